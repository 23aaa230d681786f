// One line for each contact. A line is made once and changed where its contact changes; the order is that of urgency,
// then of the time that is left.

import { age, button, el, languageName, levelBadge, link, timeLeft, tongue } from "./elements.js";
import { contactPage } from "./service.js";
import { me } from "./shell.js";
import { LEVELS } from "./suggestions.js";

const AT_ONCE = 60; // lines made before the browser may draw: a task stays below 50 ms

/** Return lines gravest first, then the soonest due; one that nobody has read stands above what is not urgent. */
export function inOrder(rows) {
  const rank = (row) => (row.urgency ? LEVELS.indexOf(row.urgency) : 1.5);
  const due = (row) => (row.due_at ? Date.parse(row.due_at) : Infinity);
  return [...rows].sort((a, b) => rank(a) - rank(b) || due(a) - due(b) || Date.parse(a.created_at) - Date.parse(b.created_at));
}

/** Return lines with what was done last first: for looking back. */
export function newestFirst(rows) {
  const at = (row) => Date.parse(row.decided_at ?? row.created_at);
  return [...rows].sort((a, b) => at(b) - at(a));
}

/** The lines of a list; `acts` are `{ claim(row), release(row), undo(row) }`. */
export class Rows {
  #made = new Map(); // by contact: { element, row, drawing }
  #drawn = 0;

  constructor(root, acts) {
    Object.assign(this, { root, acts });
  }

  /** Show these contacts in this order; a line that has the focus keeps it. */
  async show(rows, { withUndo = false } = {}) {
    const number = ++this.#drawn;
    const focused = document.activeElement?.closest?.("[data-contact]")?.dataset.contact;
    this.#forget(new Set(rows.map((row) => row.message_id)));
    let next = this.root.firstElementChild;
    for (let at = 0; at < rows.length; at++) {
      if (at && at % AT_ONCE === 0) await new Promise((resume) => setTimeout(resume));
      if (number !== this.#drawn) return;
      if (next && !next.isConnected) next = this.root.children[at] ?? null;
      const element = this.#element(rows[at], withUndo);
      if (next && !next.isConnected) next = element; // the line stood here, and was drawn anew in its place
      if (element === next) next = next.nextElementSibling;
      else this.root.insertBefore(element, next);
    }
    if (focused && !this.root.contains(document.activeElement)) this.focus(focused);
  }

  #forget(kept) {
    for (const [id, { element }] of this.#made) {
      if (kept.has(id)) continue;
      element.remove();
      this.#made.delete(id);
    }
  }

  #element(row, withUndo) {
    const known = this.#made.get(row.message_id);
    const drawing = JSON.stringify([row, withUndo]);
    if (known?.drawing === drawing) return known.element;
    const element = this.#line(row, withUndo);
    if (known) known.element.replaceWith(element);
    this.#made.set(row.message_id, { element, row, drawing });
    return element;
  }

  #line(row, withUndo) {
    const mine = row.claimed_by === me().name;
    const name = row.service_type_name ?? (row.urgency ? "No type yet" : "Not read yet");
    return el("div", { role: "row", class: mine ? "line mine" : "line", "data-contact": row.message_id },
      el("span", { role: "cell" }, levelBadge(row.urgency)),
      target(row),
      el("span", { role: "cell", class: "c-age" }, age(row.created_at)),
      el("span", { role: "cell", class: "c-channel" }, row.channel),
      el("span", { role: "cell", class: "cut", title: languageName(row.language) }, languageName(row.language)),
      el("span", { role: "cell", class: "c-type cut" }, link(contactPage(row.message_id), { title: `${name}, ${row.department ?? "no department"}` }, name),
        row.department && el("small", {}, ` ${row.department}`)),
      el("span", { role: "cell", class: "c-text cut", ...tongue(row.excerpt_language) }, row.excerpt),
      el("span", { role: "cell", class: "c-mode" }, mode(row)),
      this.#who(row, mine, withUndo));
  }

  #who(row, mine, withUndo) {
    const about = row.service_type_name ?? row.message_id;
    const act = (name, run) => button({ "aria-label": `${name}: ${about}` }, () => run(row), name);
    return el("span", { role: "cell", class: "c-who" },
      row.claimed_by && el("span", { class: "cut", title: `${row.claimed_by} works on it` }, mine ? "you" : row.claimed_by),
      withUndo && row.actor === "policy" && act("Undo", this.acts.undo),
      !withUndo && row.status === "open" && !row.claimed_by && act("Claim", this.acts.claim),
      !withUndo && mine && act("Release", this.acts.release));
  }

  /** Draw the times anew; nothing else changes. */
  tick() {
    for (const { element, row } of this.#made.values()) {
      element.children[1].replaceWith(target(row));
      element.children[2].textContent = age(row.created_at);
    }
  }

  /** Return the contact whose line has the focus. */
  focused() {
    const id = document.activeElement?.closest?.("[data-contact]")?.dataset.contact;
    return this.#made.get(id)?.row ?? null;
  }

  focus(id) {
    this.#made.get(id)?.element.querySelector("a").focus({ preventScroll: true });
  }

  /** Move the focus by so many lines; from outside, to the first. */
  move(steps) {
    const lines = [...this.root.children];
    const at = lines.indexOf(document.activeElement?.closest?.("[data-contact]"));
    const to = lines[at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + steps))];
    to?.querySelector("a").focus();
  }
}

function target({ due_at, paused, status }) {
  if (status === "closed") return el("span", { role: "cell", class: "target quiet" }, "closed");
  if (paused || !due_at) return el("span", { role: "cell", class: "target quiet" }, "paused");
  const { late, text } = timeLeft(due_at);
  return el("span", { role: "cell", class: late ? "target late" : "target" }, text);
}

function mode({ mode: chosen, actor, action }) {
  if (actor === "person") return el("span", { class: "tag" }, action === "answer_used" ? "answered" : action);
  return chosen && el("span", { class: chosen === "auto" ? "tag strong" : "tag" }, chosen);
}
