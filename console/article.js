// One article: what it says, whether it can be trusted, what changed, and what one thinks of it.

import { button, el, key, languageName, link, time, tongue } from "./elements.js";
import { drawChanges } from "./changes.js";
import { ask, randomId } from "./service.js";
import { may, say, toast } from "./shell.js";

const VERDICTS = [
  { verdict: "used", name: "Used", key: "u", does: "I gave this answer" },
  { verdict: "helpful", name: "Helpful", key: "h", does: "It helped" },
  { verdict: "wrong", name: "Wrong", key: "w", does: "It does not answer, or it is not true", asks: "What is wrong?" },
  { verdict: "stale", name: "Stale", key: "t", does: "It was true once", asks: "What has changed?" },
];

function path(id, ...rest) {
  return ["/v1/kb/articles", encodeURIComponent(id), ...rest].join("/");
}

/** Shows one article in a part of the page; `changed()` is called when something was said of it. */
export class Article {
  id = null;
  #place;
  #data = null;
  #at = {};
  #changed;
  #asked = 0;

  constructor(place, { changed }) {
    this.#place = place;
    this.#changed = changed;
  }

  get keys() {
    const open = () => this.#data !== null;
    return [
      ...VERDICTS.map((each) => ({ keys: [each.key], does: `${each.name}: ${each.does.toLowerCase()}`, when: () => open() && may("decide"), run: () => this.#say(each) })),
      { keys: ["e"], does: "Propose an edit", when: open, run: () => this.#edit() },
    ];
  }

  /** Show the article with the section, and in it the quote, in view; one that was asked for before it is dropped. */
  async show(id, at = {}) {
    const number = ++this.#asked;
    try {
      const data = await ask(path(id));
      if (number !== this.#asked) return;
      Object.assign(this, { id });
      this.#data = data;
      this.#at = at;
      this.#draw();
    } catch (error) {
      if (number !== this.#asked) return;
      this.id = this.#data = null;
      this.#place.replaceChildren(el("div", { class: "empty" }, el("h2", { id: "article-title" }, "Not there"), el("p", {}, error.message)));
    }
  }

  #draw() {
    const { row } = this.#data;
    const sections = this.#sections();
    this.#place.replaceChildren(
      el("header", { class: "article-head" },
        el("h2", { id: "article-title", ...tongue(row.language) }, row.title),
        el("p", { class: "row" },
          row.overdue && el("span", { class: "tag loud" }, row.reviewed_on ? "Review overdue" : "Never reviewed"),
          !this.#data.answers_today && el("span", { class: "tag loud" }, "Does not hold today"),
          row.audience === "internal" && el("span", { class: "tag loud" }, "Agents only"),
          el("span", { class: "tag" }, languageName(row.language)),
          this.#data.service_types.map((code) => el("span", { class: "tag" }, code))),
        this.#facts()),
      this.#verdicts(),
      el("div", { class: "article-text" }, sections),
      this.#aliases(),
      this.#versions(),
      el("div", { class: "article-forms" }, button({ "data-edit": "" }, () => this.#edit(), "Propose an edit ", key("E"))));
    this.#place.scrollTop = 0;
    this.#place.focus();
    this.#place.querySelector("[data-target]")?.scrollIntoView({ block: "nearest" });
  }

  #facts() {
    const { row, applies_if: applies, url, valid_from: from, valid_until: until, translations } = this.#data;
    const review = row.reviewed_on ? `${row.reviewed_on}${row.review_due ? `, good until ${row.review_due}` : ""}` : "never";
    const facts = {
      Reviewed: el("span", { class: row.overdue ? "warning" : null }, review),
      Keeper: row.owner ?? el("span", { class: "warning" }, "nobody"),
      Department: row.department || null,
      "Holds for": applies,
      "Holds on": from || until ? `${from ?? "always"} to ${until ?? "further notice"}` : null,
      Version: `${row.version}, ${time(row.changed_at)}, ${row.changed_by}`,
      "Also in": Object.keys(translations).length ? Object.entries(translations).map(([code, id]) => [link(`/console/knowledge?article=${encodeURIComponent(id)}`, { hreflang: code }, languageName(code)), " "]) : null,
      Source: /^https?:\/\//.test(url ?? "") ? link(url, { target: "_blank", rel: "noopener noreferrer" }, new URL(url).host, el("span", { class: "unseen" }, " opens a new tab")) : null,
    };
    return el("dl", { class: "facts" }, Object.entries(facts).filter(([, value]) => value !== null)
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, ...[value].flat(2)))));
  }

  #verdicts() {
    if (!may("decide")) return "";
    return el("div", { class: "verdicts", role: "group", "aria-label": "What do you say of it?" },
      VERDICTS.map((each) => button({ title: each.does, "data-verdict": each.verdict }, () => this.#say(each),
        `${each.name} `, el("span", { class: "number quiet" }, String(this.#data.verdicts[each.verdict])), " ", key(each.key.toUpperCase()))));
  }

  #sections() {
    const { section, quote } = this.#at;
    return this.#data.sections.map((part) => {
      const isMeant = quote ? part.text.includes(quote) : section !== undefined && section !== "" && part.heading === section;
      return el("section", { class: isMeant ? "meant" : null, "data-target": isMeant },
        part.heading && el("h3", tongue(this.#data.row.language), part.heading),
        part.audience === "internal" && el("p", {}, el("span", { class: "tag loud" }, "Agents only: do not read out")),
        el("p", { class: "said", ...tongue(this.#data.row.language) }, isMeant && quote ? quoted(part.text, quote) : part.text));
    });
  }

  #aliases() {
    const { aliases, row } = this.#data;
    return el("details", {}, el("summary", {}, `Also asked as (${aliases.length})`),
      el("ul", { class: "lines" }, aliases.map((text) => el("li", tongue(row.language), text))),
      this.#form({ label: "Another wording that residents use", kind: "alias", rows: 1, text: "" }));
  }

  #versions() {
    const { versions } = this.#data;
    const place = el("div", {});
    const name = ({ version, created_at: at, changed_by: by, deleted }) => `Version ${version}, ${time(at)}, ${by}${deleted ? ", taken away" : ""}`;
    const choice = (label, chosen) => el("label", { class: "field" }, label, el("select", {}, versions.map((each) => el("option", { value: each.version, selected: each.version === chosen }, name(each)))));
    const before = choice("From", versions[1]?.version);
    const after = choice("to", versions[0].version);
    const compare = async () => {
      const [from, to] = [before, after].map((each) => each.querySelector("select").value);
      const told = await ask(`${path(this.id, "changes")}?before=${from}&after=${to}`).catch((error) => say(error.message, { trouble: true }));
      if (told) place.replaceChildren(drawChanges(told.changes));
    };
    for (const each of [before, after]) each.addEventListener("change", compare);
    const details = el("details", {}, el("summary", {}, `Versions (${versions.length})`),
      versions.length > 1 ? el("div", { class: "row" }, before, after) : el("ul", { class: "lines" }, el("li", {}, name(versions[0]))), place);
    details.addEventListener("toggle", () => details.open && versions.length > 1 && compare());
    return details;
  }

  async #say({ verdict, name, asks }) {
    if (asks) return this.#ask(verdict, name, asks);
    await this.#give(verdict, name, null);
  }

  #ask(verdict, name, asks) {
    this.#place.querySelector(".verdict-note")?.remove();
    const field = el("input", { maxlength: 4000, required: true, dir: "auto" });
    const form = el("form", { class: "verdict-note row" }, el("label", { class: "field grow" }, asks, field), el("button", { class: "primary" }, `Say ${name.toLowerCase()} `, key("Enter")), button({}, () => form.remove(), "Cancel"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.remove();
      this.#give(verdict, name, field.value);
    });
    this.#place.querySelector(".verdicts").after(form);
    field.focus();
  }

  async #give(verdict, name, note) {
    const body = { article_id: this.id, verdict, section: this.#at.section ?? "" };
    if (note) body.note = note;
    if (this.#at.question) body.query = this.#at.question;
    try {
      await ask("/v1/feedback", { method: "POST", body, once: randomId() });
      this.#data.verdicts[verdict] += 1;
      const pressed = this.#place.querySelector(`[data-verdict=${verdict}]`);
      pressed.classList.add("chosen");
      pressed.querySelector(".number").textContent = String(this.#data.verdicts[verdict]);
      toast(`${name}: noted for “${this.#data.row.title}”`);
    } catch (error) {
      say(error.message, { trouble: true });
    }
  }

  #edit() {
    const forms = this.#place.querySelector(".article-forms");
    const known = forms.querySelector("textarea");
    if (known) return known.focus();
    const [, head, body] = /^(---\n[^]*?\n---\n)([^]*)$/.exec(this.#data.document) ?? [null, "", this.#data.document];
    forms.append(this.#form({ label: "The article as it should be (Markdown, headings begin with ##)", kind: "edit", rows: 16, text: body, head }));
    forms.querySelector("textarea").focus();
  }

  #form({ label, kind, rows, text, head = "" }) {
    const field = el(rows > 1 ? "textarea" : "input", { maxlength: rows > 1 ? 190000 : 200, required: true, ...tongue(this.#data.row.language), rows: rows > 1 && rows });
    field.value = text;
    const form = el("form", { class: "stack proposal-form" }, el("label", { class: "field" }, label, field),
      el("p", { class: "row" }, el("button", { class: "primary" }, "Send to the editors"), rows > 1 && button({}, () => form.remove(), "Cancel")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#propose(form, kind, head + field.value);
    });
    return form;
  }

  async #propose(form, kind, text) {
    try {
      await ask(path(this.id, "proposals"), { method: "POST", once: randomId(), body: { kind, text, language: this.#data.row.language } });
      if (kind === "edit") form.remove();
      else form.reset();
      toast(kind === "edit" ? "Proposed: an editor reviews it" : "Wording proposed: an editor reviews it");
      this.#changed();
    } catch (error) {
      say(error.message, { trouble: true });
    }
  }
}

function quoted(text, quote) {
  const start = text.indexOf(quote);
  return [text.slice(0, start), el("mark", { class: "quote" }, quote), text.slice(start + quote.length)];
}
