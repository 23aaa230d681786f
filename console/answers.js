// Three slots for answers of the knowledge base, taken by A, S and D; the quote is marked, its source and date told.

import { button, byId, copyText, el, fill, inTheirSlots, key, link, percent } from "./elements.js";
import { searchKnowledge } from "./service.js";
import { say, speak } from "./shell.js";

const SLOTS = ["A", "S", "D"];
const SEARCH_PAUSE_MS = 250;
const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * Return a function that searches for what stands in the field `search`, after a pause; an answer that a newer search
 * has overtaken is dropped. `withoutQuestion()` is called where the field is empty.
 */
export function searchInto(slots, withoutQuestion) {
  let timer = null;
  let searches = 0;
  return () => {
    clearTimeout(timer);
    const question = byId("search").value.trim();
    const number = ++searches;
    if (!question) return withoutQuestion();
    timer = setTimeout(async () => {
      const result = await searchKnowledge(question).catch((error) => error);
      if (number !== searches) return;
      if (result instanceof Error) return slots.show(`Search failed: ${result.message}`, null, []);
      slots.show(`For “${question}”`, result.status, result.answers);
      speak(`${result.answers.length} answers for ${question}`);
    }, SEARCH_PAUSE_MS);
  };
}

/** The slots; `picked` is the answer that the agent has taken. */
export class AnswerSlots {
  #answers = [];
  #line = "";

  /** `picked()` is called when the agent takes an answer or lets it go. */
  constructor(root, heading, picked) {
    Object.assign(this, { root, heading, onPick: picked, picked: null });
    this.show("", null, []);
  }

  /** Show answers under a line that says what they answer; what was taken stays taken. */
  show(line, status, answers) {
    const best = answers.slice(0, SLOTS.length);
    this.#answers = line && line === this.#line ? inTheirSlots(this.#answers, best, isSame) : best;
    this.#line = line;
    const sure = { possible: "possible, none is sure", none: "nothing found", answer: "" }[status] ?? "";
    this.heading.textContent = [line, sure].filter(Boolean).join(": ") || "Answers to the note appear here, each with its quote and its source.";
    this.#draw();
  }

  /** Begin anew: nothing is taken, nothing is shown. */
  clear() {
    this.#answers = [];
    this.picked = null;
    this.show("", null, []);
  }

  /** Take the answer of a slot by its letter; taking it again lets it go. */
  take(letter) {
    const answer = this.#answers[SLOTS.indexOf(letter.toUpperCase())];
    if (answer) this.pick(answer);
  }

  pick(answer) {
    this.picked = isSame(answer, this.picked) ? null : answer;
    this.#draw();
    this.onPick();
  }

  #draw() {
    const away = this.picked && !this.#answers.some((answer) => isSame(answer, this.picked));
    fill(this.root, SLOTS.map((letter, i) => (this.#answers[i] ? this.#slot(this.#answers[i], letter) : emptySlot(letter))),
      away && this.#slot(this.picked, "✓"));
  }

  #slot(answer, letter) {
    const taken = isSame(answer, this.picked);
    return el("article", { class: taken ? "answer-slot chosen" : "answer-slot" },
      el("h3", {}, key(letter), el("span", {}, answer.title, answer.section && ` · ${answer.section}`), el("span", { class: "number quiet" }, percent(answer.probability))),
      el("blockquote", answer.language && answer.language !== "en" ? { lang: answer.language } : {}, answer.quote),
      answer.condition && el("p", { class: "source warning" }, `Ask first: ${answer.condition}`),
      el("div", { class: "source" },
        button({ "aria-pressed": String(taken), "aria-label": `Use “${answer.title}”` }, () => this.pick(answer), taken ? "Used" : "Use"),
        button({ "aria-label": `Copy “${answer.title}”` }, () => copy(answer.quote), "Copy"),
        tags(answer), reviewed(answer),
        !answer.article_id.startsWith("notice-") && link(`/console/knowledge?${new URLSearchParams({ article: answer.article_id, section: answer.section ?? "", quote: answer.quote })}`, { target: "_blank", "aria-label": `Open the article “${answer.title}”` }, "Article")));
  }
}

function isSame(one, other) {
  return Boolean(one && other) && one.article_id === other.article_id && one.section === other.section;
}

async function copy(text) {
  await copyText(text);
  say("Answer copied");
}

function tags(answer) {
  return [
    answer.pinned_until && el("span", { class: "tag loud" }, "notice"),
    answer.audience === "internal" && el("span", { class: "tag loud" }, "internal: agents only"),
  ];
}

function reviewed({ reviewed_on: on }) {
  if (!on) return el("span", { class: "warning" }, "never reviewed");
  const stale = Date.now() - Date.parse(on) > YEAR_MS;
  return el("span", { class: stale ? "warning" : null }, `reviewed ${on}`, stale && ", over a year ago");
}

function emptySlot(letter) {
  return el("div", { class: "answer-slot quiet" }, key(letter));
}
