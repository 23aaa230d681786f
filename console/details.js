// What stands beside a text: its marks, its language, its translation, the interpreter to ask for, what was found in it.

import { button, copyText, el, fill, languageName, percent, plain, tongue } from "./elements.js";
import { marked } from "./marks.js";
import { say } from "./shell.js";

export const TRANSLATION = {
  machine: "machine translation, not checked by a person",
  doubtful: "machine translation, doubtful: do not rely on it",
  unavailable: "cannot be translated here: ask for an interpreter",
  pending: "translation on its way",
};

/** Draw the text with what was found in it marked. */
export function showMarked(place, text, triage) {
  const { lang, dir } = tongue(triage?.language.code);
  Object.assign(place, { lang, dir });
  fill(place, triage ? marked(text, triage) : text);
}

/** Return what the resident wants and in which language, in a few words. */
export function languageLine({ language, request_kind }) {
  const doubt = language.probability < 0.9 && language.runner_up ? `, or ${languageName(language.runner_up)}` : "";
  return `${plain(request_kind)} · ${languageName(language.code)}${language.code === "und" ? "" : `, ${percent(language.probability)}`}${doubt}`;
}

/** Return the card that says which interpreter to ask for, and what to ask the resident first; null in English. */
export function interpreterCard({ interpreter }) {
  if (!interpreter) return null;
  const { ask_for, native_name, dialect_question, language } = interpreter;
  return el("div", { class: "notice interpreter" },
    el("b", {}, `Interpreter: ask for ${ask_for}`), native_name && [" · show the resident: ", el("b", { lang: "", dir: "auto" }, native_name)],
    dialect_question && el("p", {}, `Ask first: ${dialect_question}`),
    language === "unknown" && el("p", {}, "The language could not be told: show the resident a list of languages."));
}

/** Return the English text with what it is worth, or why there is none; null where none is needed. */
export function translationBlock({ translation }) {
  const told = TRANSLATION[translation.status];
  if (!told) return null;
  const loud = translation.status !== "machine" ? "tag loud" : "tag";
  return el("div", { class: "translation" },
    el("p", {}, el("span", { class: loud }, translation.status), " ", el("span", { class: "quiet" }, `English: ${told}`)),
    translation.text && el("p", { class: "said", lang: "en", dir: "ltr" }, translation.text));
}

/** Return a chip for each place, number and date; pressed, it is copied. */
export function chips({ entities, language }) {
  if (!entities.length) return el("p", { class: "quiet" }, "None found.");
  return entities.map((entity) => button({ class: "chip", title: chipTitle(entity) }, () => copyChip(entity.text),
    el("span", { class: "quiet" }, plain(entity.kind)), " ", el("span", { lang: tongue(language.code).lang, dir: "auto" }, entity.text)));
}

/** Tell what the city's map knows of a place: where it lies, and whose matter it is. */
function chipTitle({ kind, place }) {
  const known = place && `${place.name}: ${place.district}, ${place.owner === "city" ? "the city's" : `the ${place.owner}'s, not the city's`} matter. `;
  return `${known ?? ""}Copy this ${plain(kind)}`;
}

async function copyChip(text) {
  await copyText(text);
  say(`Copied ${text}`);
}

export function legend() {
  return el("p", { class: "legend" }, el("span", {}, el("mark", { class: "danger" }, "danger")), el("span", {}, el("mark", { class: "urgent" }, "urgency")), el("span", {}, el("mark", {}, "place, number, date")));
}
