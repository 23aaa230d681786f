// Everything that the service suggested and that was decided, oldest first, with the versions that made it.

import { el, fill, languageName, levelBadge, pairs, percent, plain, time } from "./elements.js";

const DONE = {
  policy: "Decided by the policy", accept: "Accepted", override: "Overridden", answer_used: "Answer used",
  close: "Closed", reroute: "Sent to another department", undo: "Undone",
};

/** Draw the history of a contact's detail into a place. */
export function showHistory(place, { triages, decisions, pauses }, nameOf) {
  const entries = [
    ...triages.map((triage) => ({ at: triage.created_at, line: () => suggested(triage) })),
    ...decisions.map((decision) => ({ at: decision.decided_at, line: () => decided(decision, nameOf) })),
    ...pauses.map((pause) => ({ at: pause.start, line: () => entry(pause.start, "Resident asked", el("p", {}, pause.end ? `The clock stood until ${time(pause.end)}.` : "The clock stands.")) })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  fill(place, el("ol", { class: "history" }, entries.map(({ line }) => line())));
}

function entry(at, what, ...nodes) {
  return el("li", {}, el("b", {}, what), el("time", { datetime: at }, time(at)), el("div", {}, ...nodes));
}

function suggested({ created_at, revision, suggestion, answer }) {
  const [best] = answer.service_types;
  return entry(created_at, suggestion ? "Suggested later" : "Suggested",
    el("p", {}, best ? `${best.name}, ${percent(best.probability)}` : "no type", " · ", levelBadge(answer.urgency.level), ` · ${languageName(answer.language.code)} · text ${revision}`),
    suggestion && el("p", { class: "quiet" }, "A person had decided before, so it decided nothing."),
    answer.warnings.map((warning) => el("p", { class: "warning" }, `Warning: ${warning}`)),
    answer.degraded.map((part) => el("p", { class: "warning" }, `Did not work: ${part}`)),
    versions(answer));
}

function versions({ versions: made, timings_ms, language, decision, service_types, similar, channel, message_id }) {
  const types = service_types.map((type) => `${type.name} ${percent(type.probability)}`).join(", ");
  const times = Object.entries(timings_ms).map(([step, ms]) => `${step} ${ms.toFixed(1)} ms`).join(", ");
  return el("details", {}, el("summary", {}, "How this was made"),
    el("dl", { class: "pairs" }, pairs({ types, mode: `${decision.mode}: ${decision.reasons.join("; ")}`, "language told by": language.method, message: `${message_id}, ${channel}`, ...(similar.length ? { similar: similar.join(", ") } : {}), ...made, time: times })));
}

function decided({ decided_at, action, actor, decided_by, mode, service_type, department, urgency, reasons, note, article_id, section, undoes, version }, nameOf) {
  const who = actor === "person" ? decided_by : `policy ${decided_by}`;
  return entry(decided_at, DONE[action] ?? plain(action),
    el("p", {}, service_type ? nameOf(service_type) : "No type", department && ` → ${department}`, urgency && [" · ", levelBadge(urgency)], ` · by ${who}`, ` · version ${version}`),
    action === "policy" && el("p", { class: "quiet" }, `${mode}: ${reasons.join("; ")}`),
    undoes && el("p", { class: "quiet" }, `Takes back version ${undoes}.`),
    article_id && el("p", { class: "quiet" }, `Answer: ${article_id}${section ? `, ${section}` : ""}`),
    note && el("p", {}, el("q", {}, note)));
}
