// The safety banner: what must not wait, above everything else until someone acknowledges it.

import { button, byId, changed, el, plain, tongue } from "./elements.js";

const WHAT_TO_DO = {
  911: "Transfer the resident to 911, or have them call it now. Nothing has been dispatched.",
  988: "Offer the 988 crisis line and stay with the resident. Nothing has been dispatched.",
};
const acknowledged = new Map(); // by alarm: when
let latest = [];

/** Two alarms are one where they tell the same dangers of the same contact, however the words around them grow. */
function alarmOf({ id, triage }) {
  return [id, triage.safety.line, ...triage.safety.reasons.map((hit) => hit.rule).sort()].join("|");
}

function block(shown) {
  const { line, reasons } = shown.triage.safety;
  const when = acknowledged.get(alarmOf(shown));
  const phrases = reasons.map((hit) =>
    el("li", {}, el("q", tongue(shown.triage.language.code), hit.text), ` ${plain(hit.rule)}`, hit.line && ` → ${hit.line}`));
  const title = line ? `Possible emergency: call ${line}` : "Possible danger: read this first";
  return el("div", { class: when ? "alarm seen" : "alarm" },
    el("strong", { class: "alarm-line" }, title),
    el("span", { class: "alarm-source" }, shown.title),
    el("ul", {}, phrases),
    when ? el("span", { class: "alarm-when" }, `Acknowledged ${when}`) : el("p", {}, WHAT_TO_DO[line] ?? ""),
    !when && button({ class: "alarm-button" }, () => acknowledge(shown), "Acknowledge ", el("kbd", {}, "F2")));
}

/** Show the alarms of the given notes and contacts. */
export function showSafety(shown) {
  latest = shown.filter((each) => each.triage?.safety.reasons.length || each.triage?.safety.emergency);
  const shows = (each) => [alarmOf(each), each.title, each.triage.safety, acknowledged.get(alarmOf(each))];
  if (!changed("safety", latest.map(shows))) return;
  byId("safety").replaceChildren(...latest.map(block));
}

function acknowledge(shown) {
  acknowledged.set(alarmOf(shown), new Date().toLocaleTimeString([], { timeStyle: "short" }));
  showSafety(latest);
  byId("note").focus();
}

/** Acknowledge the first alarm that nobody has acknowledged yet. */
export function acknowledgeNext() {
  const next = latest.find((each) => !acknowledged.has(alarmOf(each)));
  if (next) acknowledge(next);
}
