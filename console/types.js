// Five slots for service types. A type keeps its slot while the text grows, unless another becomes clearly likelier,
// and a key that was on its way while the slots changed takes what stood there before.

import { button, el, fill, inTheirSlots, key, percent, plain, tongue } from "./elements.js";
import { serviceTypes } from "./service.js";

const SLOTS = 5;
const CLEARLY = 0.1;
const REACTION_MS = 350;

/** Return the types in the order in which they are shown: those that were shown before stay where they were. */
function settled(before, types) {
  const best = types[0];
  const first = types.find((type) => type.code === before[0]?.code);
  if (!first || best.probability - first.probability > CLEARLY) return types;
  return inTheirSlots(before, types, (one, other) => one.code === other.code);
}

/** The list of slots; `picked` is the type that the agent, or the policy for the agent, has taken. */
export class TypeSlots {
  #shown = [];
  #before = [];
  #changedAt = 0;
  #byHand = false;
  #triage = null;

  constructor(picked) {
    this.onPick = picked;
    this.picked = null;
    this.list = el("ol", { class: "types" });
    this.also = el("p", { class: "also cut" });
    this.other = el("input", { id: "other-type", list: "all-types", autocomplete: "off", placeholder: "Name or code", "aria-label": "Another service type" });
    this.all = el("datalist", { id: "all-types" });
    this.other.addEventListener("change", () => this.#takeOther());
    this.root = el("section", { class: "panel", "aria-labelledby": "types-title" },
      el("div", { class: "head" }, el("h2", { id: "types-title" }, "Service type"), el("span", { class: "quiet" }, key("1"), " – ", key("5"))),
      this.list, this.also,
      el("div", { class: "other-type" }, el("label", { class: "quiet", for: "other-type" }, "Another ", key("0")), this.other, this.all));
    serviceTypes().then((types) => this.#learn(types), () => {});
    this.#draw();
  }

  #learn(types) {
    this.known = types;
    fill(this.all, types.map((type) => el("option", { value: type.name }, `${type.department} · ${type.code}`)));
  }

  /** Show what a triage suggests; null empties the slots. `standing` is the type that a person decided, if one did. */
  show(triage, standing = null) {
    this.#triage = triage;
    if (!triage) Object.assign(this, { picked: null });
    if (!triage) this.#byHand = false;
    const next = triage ? settled(this.#shown, triage.service_types.slice(0, SLOTS)) : [];
    if (next.map((type) => type.code).join() !== this.#shown.map((type) => type.code).join()) {
      this.#before = this.#shown;
      this.#changedAt = performance.now();
    }
    this.#shown = next;
    if (triage && !this.#byHand) this.picked = this.#ofPolicy(triage, standing);
    this.#drawAlso();
    this.#draw();
  }

  #ofPolicy({ decision, service_types }, standing) {
    const code = standing ?? (["preselect", "auto"].includes(decision.mode) ? decision.service_type : null);
    return (code && (service_types.find((type) => type.code === code) ?? this.known?.find((type) => type.code === code))) || null;
  }

  /** Take the type in a slot, 1 to 5; taking it again lets it go. */
  take(number) {
    if (!this.#triage) return;
    const late = performance.now() - this.#changedAt < REACTION_MS && this.#before.length;
    const type = (late ? this.#before : this.#shown)[number - 1];
    if (type) this.pick(type);
  }

  reset() {
    this.#byHand = false;
  }

  pick(type) {
    this.#byHand = true;
    this.picked = this.picked?.code === type.code ? null : type;
    this.#draw();
    this.onPick();
  }

  #takeOther() {
    const wanted = this.other.value.trim().toLowerCase();
    const type = this.known?.find((each) => each.name.toLowerCase() === wanted || each.code === wanted);
    this.other.setCustomValidity(wanted && !type ? "No service type has this name or code." : "");
    if (!this.other.reportValidity() || !type) return;
    this.other.value = "";
    this.#byHand = true;
    this.picked = type;
    this.#draw();
    this.onPick();
  }

  /** Name the further problems of the same message: each may need a contact of its own. */
  #drawAlso() {
    const also = this.#triage?.also ?? [];
    const nameOf = (code) => this.known?.find((type) => type.code === code)?.name ?? plain(code);
    fill(this.also, also.length > 0 && [el("b", {}, "Also told: "), also.map(({ code, probability }) => `${nameOf(code)} ${percent(probability)}`).join(", ")]);
  }

  #draw() {
    const slots = Array.from({ length: SLOTS }, (_, i) => (this.#shown[i] ? this.#slot(this.#shown[i], i + 1) : emptySlot(i + 1)));
    const isOther = this.picked && !this.#shown.some((type) => type.code === this.picked.code);
    fill(this.list, slots, isOther && this.#slot({ ...this.picked, because: [], probability: null }, 0));
  }

  #slot(type, number) {
    const taken = type.code === this.picked?.code;
    const words = type.because.flatMap((word) => [" ", el("q", tongue(this.#triage?.language.code), word)]);
    return el("li", {}, button({ "aria-pressed": String(taken), title: `${type.name} (${type.code})` }, () => this.pick(type),
      key(number || "0"),
      el("span", { class: "type-name" }, el("span", { class: "cut" }, type.name)),
      el("span", { class: "number" }, type.probability === null ? "yours" : percent(type.probability)),
      el("span", { class: "type-why cut" }, type.department, words.length > 0 && " ·", words),
      type.probability !== null && bar(type.probability)));
  }
}

function emptySlot(number) {
  return el("li", {}, el("div", { class: "slot" }, key(number)));
}

function bar(probability) {
  const filled = el("span");
  filled.style.width = `${100 * probability}%`;
  return el("span", { class: "bar", "aria-hidden": "true" }, filled);
}
