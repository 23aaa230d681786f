// Draws one triage: every field of the public answer, each suggestion with its reasons.

import { button, byId, changed, el, languageName, percent, plain, tongue } from "./elements.js";
import { marked } from "./marks.js";

const YEAR_MS = 365 * 24 * 3_600_000;
const TRANSLATION = {
  machine: "machine translation, not checked by a person",
  doubtful: "machine translation, doubtful: do not rely on it",
  unavailable: "not translated",
  pending: "translation on its way",
};
const picks = new Map(); // by contact: the service type that the agent picked
const questions = new Map(); // by service type and attribute: what to ask

/** Learn what each attribute of the city's service types asks. */
export function learnQuestions(serviceTypes) {
  for (const type of serviceTypes) for (const attribute of type.attributes) questions.set(`${type.code} ${attribute.code}`, attribute.question);
}

/** Replace what the element holds; a button that had the focus hands it to the one in its place. */
function fill(id, ...nodes) {
  const at = [...byId(id).querySelectorAll("button")].indexOf(document.activeElement);
  byId(id).replaceChildren(...nodes.flat().filter((node) => node !== null && node !== undefined && node !== false));
  if (at >= 0) byId(id).querySelectorAll("button")[at]?.focus({ preventScroll: true });
}

/** Draw the triage of `{id, text, subject, triage}`; `copy(text)` is called when a chip is pressed. */
export function showTriage(shown, copy) {
  if (!changed("triage", shown)) return;
  const { triage } = shown;
  byId("empty").hidden = Boolean(triage || shown.text);
  byId("unread").hidden = Boolean(triage || !shown.text);
  byId("unread").textContent = `No answer yet: an agent reads it.\n\n${shown.text}`;
  byId("suggestions").hidden = !triage;
  if (!triage) return;
  drawUrgency(triage);
  drawLanguage(triage);
  drawTypes(shown);
  drawAsk(triage);
  drawFound(triage, copy);
  drawText(shown);
  drawDecision(triage);
  drawVersions(triage);
}

function drawUrgency({ urgency, language }) {
  fill("urgency",
    el("p", {}, el("span", { class: `level ${urgency.level}` }, urgency.level), " ", percent(urgency.probability)),
    urgency.reasons.length > 0 && el("ul", { class: "reasons" }, urgency.reasons.map((reason) =>
      el("li", {}, el("q", tongue(language.code), reason.text), ` ${plain(reason.rule)}`))));
}

function drawLanguage({ language, translation, interpreter }) {
  const doubt = language.probability < 0.9 && language.runner_up ? `, or ${languageName(language.runner_up)}` : "";
  fill("language",
    el("p", {}, el("b", {}, languageName(language.code)), ` ${percent(language.probability)}${doubt}`),
    TRANSLATION[translation.status] && el("p", { class: "quiet" }, TRANSLATION[translation.status]),
    interpreter && el("p", {}, "Interpreter: ", el("b", {}, interpreter.ask_for),
      interpreter.dialect_question && ` · ask first: ${interpreter.dialect_question}`));
}

function drawTypes({ id, triage }) {
  const pick = picks.get(id);
  const lost = pick && !triage.service_types.some((type) => type.code === pick.code);
  const types = lost ? [...triage.service_types, pick] : triage.service_types;
  fill("types", types.map((type, i) => {
    const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span"));
    bar.firstChild.style.width = `${100 * type.probability}%`;
    const why = type.because.flatMap((word) => [" ", el("q", tongue(triage.language.code), word)]);
    return el("li", {}, button({ "aria-pressed": String(type.code === pick?.code), title: type.code }, () => pickType(id, type, triage),
      el("kbd", {}, i < 5 ? String(i + 1) : "·"),
      el("span", { class: "type-name" }, type.name),
      bar, el("span", { class: "number" }, percent(type.probability)),
      el("span", { class: "type-why" }, type.department, why.length > 0 && " ·", why)));
  }), triage.also.map((also) => el("li", { class: "also" }, `Also ${also.code} ${percent(also.probability)}`)));
}

function pickType(id, type, triage) {
  if (picks.get(id)?.code === type.code) picks.delete(id);
  else picks.set(id, type);
  drawTypes({ id, triage });
}

function drawAsk({ next_question, missing, service_types: [best] }) {
  const later = missing.map((code) => questions.get(`${best?.code} ${code}`) ?? `Missing: ${plain(code)}`).filter((question) => question !== next_question);

  fill("ask", el("p", { class: next_question ? "question" : "quiet" }, next_question ?? "Nothing is missing."),
    later.length > 0 && el("ul", { class: "quiet" }, later.map((question) => el("li", {}, question))));
}

function drawFound({ entities, language }, copy) {
  const chip = (entity) => button({ class: "chip" }, () => copy(entity.text),
    el("span", { class: "quiet" }, plain(entity.kind)), " ", el("span", tongue(language.code), entity.text),
    entity.probability < 1 && el("span", { class: "quiet" }, ` ${percent(entity.probability)}`));
  fill("found", entities.length ? entities.map(chip) : el("p", { class: "quiet" }, "No place, number or date."));
}

function drawText({ text, subject, triage }) {
  const { translation, language } = triage;
  fill("text",
    el("div", {}, subject && el("p", { class: "subject", ...tongue(language.code) }, subject),
      el("p", { class: "said", ...tongue(language.code) }, marked(text, triage))),
    translation.text && el("div", {}, el("p", { class: "quiet" }, `English, ${TRANSLATION[translation.status]}`, translation.engine && ` (${translation.engine})`),
      el("p", { class: "said" }, translation.text)));
}

function drawDecision({ decision, request_kind, warnings, degraded, dispatch, similar, service_types }) {
  const name = service_types.find((type) => type.code === decision.service_type)?.name ?? decision.service_type;
  fill("decision",
    el("p", {}, el("b", {}, decision.mode), [request_kind, name, decision.department].filter(Boolean).map((part) => ` · ${part}`)),
    el("ul", { class: "reasons" }, decision.reasons.map((reason) => el("li", {}, reason)),
      warnings.map((warning) => el("li", { class: "warning" }, `Warning: ${warning}`)),
      degraded.map((part) => el("li", { class: "warning" }, `Did not work: ${part}`)),
      similar.length > 0 && el("li", {}, `Similar contacts: ${similar.join(", ")}`)),
    dispatch && el("dl", { class: "pairs" }, pairs(dispatch)));
}

function drawVersions({ versions, timings_ms, message_id, language }) {
  const times = Object.entries(timings_ms).map(([step, ms]) => `${step} ${ms.toFixed(1)} ms`).join(", ");
  fill("versions", pairs({ contact: message_id, "language told by": language.method, ...versions, time: times }));
}

function pairs(values) {
  return Object.entries(values).flatMap(([name, value]) => [el("dt", {}, plain(name)), el("dd", {}, value ?? "none")]);
}

/** Draw answers of the knowledge base under a line that says what they answer. */
export function showAnswers(heading, status, answers) {
  if (!changed("answers", [heading, status, answers])) return;
  const line = { possible: "possible, none is sure", none: "nothing found" }[status];
  byId("answers-for").textContent = [heading, line].filter(Boolean).join(": ");
  fill("answers", answers.map(card));
}

function card(answer) {
  const internal = answer.audience === "internal";
  const stale = answer.reviewed_on && Date.now() - Date.parse(answer.reviewed_on) > YEAR_MS;
  const web = /^https?:\/\//.test(answer.url ?? "");
  return el("article", { class: "card" },
    el("h3", {}, answer.title, el("span", { class: "number" }, percent(answer.probability))),
    el("p", { class: "quiet" }, answer.section),
    el("blockquote", {}, answer.quote),
    el("p", { class: "source quiet" },
      el("span", { class: internal ? "tag loud" : "tag" }, internal ? "internal: agents only" : "public"),
      el("span", { class: stale ? "warning" : null }, answer.reviewed_on ? `reviewed ${answer.reviewed_on}` : "never reviewed", stale && ", over a year ago"),
      web && el("a", { href: answer.url, target: "_blank", rel: "noopener noreferrer" }, "Source", el("span", { class: "unseen" }, ` of ${answer.title}`))));
}
