// What the service makes of a text: type, urgency, what to ask. The agent's own choice stands above each suggestion.

import { el, fill, key, percent, plain, tongue } from "./elements.js";
import { serviceTypes } from "./service.js";
import { TypeSlots } from "./types.js";

export const LEVELS = ["emergency", "urgent", "high", "normal", "low", "info"];

/** The panels of type, urgency and next question; `chosen()` is called when the agent takes or changes something. */
export class Suggestions {
  #questions = new Map();
  #triage = null;
  #stands = null; // the level that holds where the agent changes nothing

  constructor(chosen) {
    this.chosen = chosen;
    this.types = new TypeSlots(() => this.#picked());
    this.urgency = null; // the agent's; null leaves the suggested one
    this.levels = el("fieldset", { class: "segmented levels", "aria-labelledby": "urgency-title" }, LEVELS.map((level) => this.#level(level)));
    this.reasons = el("div", { class: "reasons" });
    this.ask = el("div", { class: "ask" });
    this.nodes = [
      this.types.root,
      el("section", { class: "panel", "aria-labelledby": "urgency-title" },
        el("div", { class: "head" }, el("h2", { id: "urgency-title" }, "Urgency"), el("span", { class: "quiet" }, key("U"))), this.levels, this.reasons),
      el("section", { class: "panel", "aria-labelledby": "ask-title" },
        el("div", { class: "head" }, el("h2", { id: "ask-title" }, "Ask next")), this.ask),
    ];
    serviceTypes().then((types) => this.#learn(types), () => {});
    this.show(null);
  }

  #learn(types) {
    for (const type of types) this.#questions.set(type.code, new Map(type.attributes.map((each) => [each.code, each.question])));
    this.#drawAsk();
  }

  #level(level) {
    const radio = el("input", { type: "radio", name: "urgency", value: level });
    radio.addEventListener("change", () => {
      this.urgency = level === this.#stands ? null : level;
      this.chosen();
    });
    return el("label", {}, radio, level);
  }

  #suggested() {
    return this.#triage?.urgency.level ?? null;
  }

  /** Show a triage; null empties the panels. `standing` names the type and level that a person decided, if one did. */
  show(triage, { type = null, level = null } = {}) {
    this.#triage = triage;
    if (!triage) this.urgency = null;
    this.types.show(triage, type);
    this.#stands = level ?? this.#suggested();
    const shown = this.urgency ?? this.#stands;
    for (const radio of this.levels.querySelectorAll("input")) {
      radio.checked = radio.value === shown;
      radio.disabled = !triage;
      radio.parentElement.classList.toggle("suggested", radio.value === this.#suggested());
    }
    this.#drawReasons();
    this.#drawAsk();
  }

  /** Forget what the agent chose by hand: it has been decided, or taken back. */
  reset() {
    this.urgency = null;
    this.types.reset();
  }

  #picked() {
    this.#drawAsk();
    this.chosen();
  }

  /** Move the focus to the levels; the arrow keys choose. */
  focusUrgency() {
    const radios = [...this.levels.querySelectorAll("input")];
    (radios.find((radio) => radio.checked) ?? radios[3]).focus();
  }

  #drawReasons() {
    if (!this.#triage) return fill(this.reasons, "The level and the words that caused it appear here.");
    const { urgency, language } = this.#triage;
    const because = urgency.reasons.slice(0, 3).flatMap((reason) => [el("q", tongue(language.code), reason.text), ` ${plain(reason.rule)} `]);
    fill(this.reasons, `Suggested: ${urgency.level}, ${percent(urgency.probability)}. `, because.length ? because : "By the service type.");
  }

  #drawAsk() {
    if (!this.#triage) return fill(this.ask, el("p", { class: "quiet" }, "The next best question, and what is still missing, appear here."));
    const { next_question, missing, service_types } = this.#triage;
    const code = this.types.picked?.code ?? service_types[0]?.code;
    const own = this.#questions.get(code) ?? new Map();
    const left = missing.map((name) => own.get(name)).filter((question) => question && question !== next_question);
    fill(this.ask,
      el("p", { class: next_question ? "question" : "quiet" }, next_question ?? "Nothing that is required is missing."),
      missing.length > 0 && el("p", { class: "quiet" }, "Still missing: ", missing.map((name) => [el("span", { class: "tag loud" }, plain(name)), " "])),
      left.length > 0 && el("ul", { class: "quiet" }, left.map((question) => el("li", {}, question))));
  }
}
