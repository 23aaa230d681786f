// The safety banner: what must not wait, above everything else until someone acknowledges it. Nothing is saved before.

import { button, byId, changed, el, fill, key, languageName, pairs, plain, time, tongue } from "./elements.js";
import { ask } from "./service.js";

const TONE_HZ = [880, 660, 880];
const TONE_S = 0.16;
const WHAT_TO_DO = {
  911: "Transfer to 911, or have the resident call it now. Nothing has been dispatched.",
  988: "Offer the 988 crisis line and stay with the resident. Nothing has been dispatched.",
};
const PLACES = ["address", "intersection", "landmark"];
const acknowledged = new Map(JSON.parse(sessionStorage.getItem("acknowledged") ?? "[]")); // by alarm: when
const texts = new Map(); // by language: the city's fixed texts
let shown = null;
let done = () => {};

/** Two alarms are one where they tell the same dangers of the same contact, however the words around them grow. */
function alarmOf({ id, triage }) {
  return [id, triage.safety.line, ...triage.safety.reasons.map((hit) => hit.rule).sort()].join("|");
}

function isAlarm(contact) {
  return Boolean(contact?.triage && (contact.triage.safety.emergency || contact.triage.safety.reasons.length));
}

/** Say whether an alarm waits for somebody to acknowledge it. */
export function mustAcknowledge() {
  return isAlarm(shown) && !acknowledged.has(alarmOf(shown));
}

/** Show the alarm of `{ id, text, triage }`, if it has one; `whenDone()` is called once it is acknowledged. */
export function showSafety(contact, whenDone = done) {
  [shown, done] = [contact, whenDone];
  const alarm = isAlarm(contact) ? alarmOf(contact) : null;
  document.body.classList.toggle("in-danger", mustAcknowledge());
  if (!changed("safety", alarm && [alarm, contact.triage.safety, contact.triage.entities, acknowledged.get(alarm)])) return;
  fill("safety", alarm && (acknowledged.has(alarm) ? seen(contact, acknowledged.get(alarm)) : banner(contact)));
  if (!mustAcknowledge()) return;
  if (changed("tone", alarm)) sound();
}

export function acknowledge() {
  if (!mustAcknowledge()) return;
  acknowledged.set(alarmOf(shown), Date.now());
  sessionStorage.setItem("acknowledged", JSON.stringify([...acknowledged]));
  showSafety(shown);
  done();
}

function title(line) {
  return line ? `Possible emergency: call ${line}` : "Possible danger: read this first";
}

function why({ safety, language }) {
  return safety.reasons.flatMap((hit) => [el("q", tongue(language.code), hit.text), ` ${plain(hit.rule)}. `]);
}

function banner(contact) {
  const { triage } = contact;
  const { line } = triage.safety;
  const say = el("div", { class: "alarm-say" });
  fillWords(say, line, triage.language.code);
  return el("div", { class: "alarm" },
    el("div", {},
      el("strong", { class: "alarm-line" }, title(line)),
      el("p", { class: "alarm-why" }, why(triage)),
      el("p", {}, WHAT_TO_DO[line] ?? "Read what was said before you go on. Nothing has been dispatched."),
      say),
    el("div", { class: "alarm-card" }, el("h3", {}, "For the dispatcher"), el("dl", { class: "pairs" }, pairs(card(contact)))),
    el("div", { class: "alarm-buttons" }, button({ class: "alarm-button" }, acknowledge, "Acknowledge ", key("F2"))));
}

function seen({ triage }, when) {
  return el("div", { class: "alarm seen" }, el("strong", { class: "alarm-line" }, title(triage.safety.line)),
    el("span", { class: "alarm-why" }, why(triage)), el("span", { class: "alarm-when" }, `Acknowledged ${time(when)}`));
}

/** Return what a dispatcher asks, in the words of the message: the service's card, or what was found in the text. */
function card({ triage }) {
  if (triage.dispatch) return triage.dispatch;
  const found = (kinds) => triage.entities.filter((entity) => kinds.includes(entity.kind)).map((entity) => entity.text).join("; ");
  return {
    where: found(PLACES) || "not told: ask now",
    what: triage.safety.reasons.map((hit) => hit.text).join("; "),
    "call back": found(["phone"]) || "not told: ask now",
    language: triage.interpreter ? `${languageName(triage.language.code)}, interpreter: ${triage.interpreter.ask_for}` : languageName(triage.language.code),
  };
}

async function fillWords(say, line, language) {
  const name = { 911: "call_911", 988: "call_988" }[line];
  if (!name) return;
  const spoken = [...new Set([language === "und" ? "en" : language, "en"])];
  const found = await Promise.all(spoken.map(fixedTexts)).catch(() => []);
  const words = found.map((each) => each.find((text) => text.name === name)).filter(Boolean);
  const once = words.filter((text, i) => words.findIndex((other) => other.language === text.language) === i);
  if (once.length) fill(say, el("span", {}, "Say:"), once.map((text) => el("q", tongue(text.language), text.text)));
}

/** Return the city's fixed texts in a language; they are asked for once. */
function fixedTexts(language) {
  if (!texts.has(language)) texts.set(language, ask(`/v1/replies?${new URLSearchParams({ language })}`));
  texts.get(language).catch(() => texts.delete(language));
  return texts.get(language);
}

function sound() {
  if (localStorage.getItem("sound") === "off" || !navigator.userActivation?.hasBeenActive) return; // else the browser refuses
  const audio = new AudioContext();
  const loudness = new GainNode(audio, { gain: 0.2 });
  loudness.connect(audio.destination);
  TONE_HZ.forEach((frequency, i) => {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(loudness);
    tone.start(audio.currentTime + i * TONE_S);
    tone.stop(audio.currentTime + (i + 0.9) * TONE_S);
  });
  setTimeout(() => audio.close(), 2_000);
}

/** Bring the banner into sight: somebody tried to save over it. */
export function pointToSafety() {
  byId("safety").scrollIntoView({ block: "nearest" });
  byId("safety").querySelector("button")?.focus();
}
