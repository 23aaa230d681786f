// Suggestions inside another system's page. That page, if its origin stands in the setting, may set the text and is
// told what the agent chose:
//   in   { type: "triage:text", text, channel?, id? }
//   out  { type: "triage:ready" } · { type: "triage:type", service_type, urgency, language } · { type: "triage:answer", answer }
// The text is stored as a contact, as every text that is triaged; the same id, such as the ticket's, is one contact.

import { button, byId, copyText, el, fill, key, languageName, levelBadge, link, percent, tongue } from "./elements.js";
import { addKeys } from "./keys.js";
import { LiveNotes } from "./live.js";
import { ask, connection, look, lookForSession, randomId, Refused, SignedOut } from "./service.js";

const PATIENCE_MS = 20_000; // a translation that is waited for takes up to ten seconds
const CHANNELS = ["call", "transcript", "email", "web", "sms", "chat", "app", "ticket"];
const origins = new Set(document.body.dataset.origins.split(" ").filter(Boolean));
const note = byId("note");
const shown = { id: `sidebar-${randomId()}`, triage: null, type: null, answer: null, channel: "ticket" };

const live = new LiveNotes({
  send: (request) => ask("/v1/triage", { method: "POST", body: request, patienceMs: PATIENCE_MS }),
  working: () => {},
  answered: (request, triage) => request.text === note.value && draw(triage),
  failed,
});

function failed(error) {
  if (error instanceof SignedOut || !(error instanceof Refused)) return; // the way to sign in, or to try again, stands there
  trouble(error.message);
}

function write() {
  live.write({ id: shown.id, text: note.value, channel: shown.channel });
  if (!note.value.trim()) clear();
}

function clear() {
  Object.assign(shown, { triage: null, type: null, answer: null });
  byId("shown").hidden = true;
  byId("empty").hidden = false;
  fill("alarm");
}

function trouble(...nodes) {
  fill("trouble", nodes.length ? el("p", { class: "notice" }, ...nodes) : "");
}

/** Tell the page around this one; only where its origin stands in the setting. */
function tell(message) {
  if (parent === window) return;
  for (const origin of origins) parent.postMessage(message, origin);
}

function listen(event) {
  if (event.source !== parent || parent === window || !origins.has(event.origin)) return;
  const { type, text, channel, id } = event.data ?? {};
  if (type !== "triage:text" || typeof text !== "string") return;
  note.value = text.slice(0, 100000);
  shown.id = typeof id === "string" && id ? `sidebar-${id.slice(0, 200)}` : `sidebar-${randomId()}`;
  shown.channel = CHANNELS.includes(channel) ? channel : "ticket";
  Object.assign(shown, { type: null, answer: null });
  write();
  live.flush();
}

function draw(triage) {
  shown.triage = triage;
  trouble();
  byId("shown").hidden = false;
  byId("empty").hidden = true;
  drawAlarm(triage);
  drawUrgency(triage);
  drawTypes();
  byId("ask").textContent = triage.next_question ?? "Nothing is missing.";
  drawAnswers();
  const best = triage.service_types[0];
  byId("spoken").textContent = `${triage.urgency.level}. ${best ? best.name : "No type"}. ${triage.answers.length} answers.`;
}

function drawAlarm({ safety, language }) {
  if (!safety.emergency && !safety.reasons.length) return fill("alarm");
  const title = safety.line ? `Life may be in danger: ${safety.line}` : "Possible danger: read this first";
  fill("alarm", el("div", { class: "alarm-box" }, el("b", { class: "alarm-line" }, title),
    el("p", {}, "Said: ", safety.reasons.map((hit, place) => [place > 0 && ", ", el("q", tongue(language.code), hit.text)]))));
}

function drawUrgency({ urgency, language, translation, interpreter }) {
  fill("urgency", el("p", { class: "row" }, levelBadge(urgency.level), el("span", {}, languageName(language.code)), interpreter && el("span", { class: "quiet" }, `Interpreter: ${interpreter.ask_for}`)),
    urgency.reasons.length > 0 && el("p", { class: "quiet" }, "Because of ", urgency.reasons.map((reason, place) => [place > 0 && ", ", el("q", tongue(language.code), reason.text)])),
    translation.text && el("details", {}, el("summary", {}, "English, by machine"), el("p", { class: "said" }, translation.text)));
}

function drawTypes() {
  const { service_types: types, language } = shown.triage;
  fill("types", types.map((type, place) => el("li", {}, button({ "aria-pressed": String(type.code === shown.type), class: "pick" }, () => takeType(place),
    key(String(place + 1)), el("span", { class: "pick-name" }, type.name), el("span", { class: "number" }, percent(type.probability)),
    el("span", { class: "pick-why quiet" }, type.department, type.because.slice(0, 3).map((word) => [" · ", el("q", tongue(language.code), word)]))))));
}

function takeType(place) {
  const type = shown.triage?.service_types[place];
  if (!type) return;
  shown.type = type.code;
  drawTypes();
  const { urgency, language } = shown.triage;
  tell({ type: "triage:type", service_type: { code: type.code, name: type.name, department: type.department }, urgency: urgency.level, language: language.code });
  byId("spoken").textContent = `${type.name} taken`;
}

function drawAnswers() {
  const { answers } = shown.triage;
  if (!answers.length) return fill("answers", el("li", { class: "quiet" }, "No article answers this."));
  fill("answers", answers.map((answer, place) => el("li", { class: shown.answer === place ? "answer taken" : "answer" },
    el("p", { class: "answer-title" }, key("ASD"[place] ?? "·"), " ", el("b", tongue(answer.language), answer.title), answer.audience === "internal" && el("span", { class: "tag loud" }, "Agents only")),
    el("blockquote", tongue(answer.language), answer.quote),
    answer.condition && el("p", { class: "warning" }, `Ask first: ${answer.condition}`),
    el("p", { class: "row" }, button({ "aria-label": `Take: ${answer.title}` }, () => takeAnswer(place), "Take"),
      el("span", { class: "quiet" }, answer.reviewed_on ? `reviewed ${answer.reviewed_on}` : "never reviewed"),
      !answer.article_id.startsWith("notice-") && link(`/console/knowledge?article=${encodeURIComponent(answer.article_id)}`, { target: "_blank", rel: "noopener" }, "Article", el("span", { class: "unseen" }, ` ${answer.title}, in a new tab`))))));
}

/** Hand the answer to the page around this one, or to the clipboard where there is none. */
async function takeAnswer(place) {
  const answer = shown.triage?.answers[place];
  if (!answer) return;
  shown.answer = place;
  drawAnswers();
  const { article_id, title, section, quote, url, audience, language } = answer;
  tell({ type: "triage:answer", answer: { article_id, title, section, quote, url, audience, language } });
  if (parent === window || !origins.size) await copyText(quote).catch(() => {});
  byId("spoken").textContent = `${title} taken`;
}

connection.addEventListener("lost", () => trouble(el("b", {}, "No connection to the service. "), button({}, look, "Try now")));
connection.addEventListener("back", () => trouble());
connection.addEventListener("signed-out", () => trouble(el("b", {}, "Nobody is signed in. "), link("/auth/login?next=/console/", { target: "_blank" }, "Sign in in a new tab"), " ", button({}, lookForSession, "I am signed in")));
connection.addEventListener("signed-in", () => {
  trouble();
  live.flush();
});
addEventListener("message", listen);
note.addEventListener("input", () => {
  Object.assign(shown, { type: null, answer: null });
  write();
});
addKeys("Suggestions", [
  { keys: ["1", "2", "3", "4", "5"], shown: "1 – 5", does: "Take a service type", when: () => shown.triage, run: (name) => takeType(name - 1) },
  { keys: ["a", "s", "d"], shown: "A S D", does: "Take an answer", when: () => shown.triage, run: (name) => takeAnswer("asd".indexOf(name)) },
]);

note.value = new URLSearchParams(location.search).get("text") ?? "";
if (note.value) {
  write();
  live.flush();
}
tell({ type: "triage:ready" });
