// How the service does: whether it is ready, what waits or failed, how fast it answers, what it is made of.

import { behind } from "./charts.js";
import { el, pairs } from "./elements.js";
import { ask } from "./service.js";

/** Draw the state of the system; each line says whether a person should look. */
export async function showSystem(place) {
  const [report, version, ready] = await Promise.all([ask("/v1/overview/system"), ask("/version"), ask("/readyz").then(() => true, () => false)]);
  const { waiting, deliveries, degraded, looked_at: seen } = report;
  const failed = Object.entries(degraded);
  place.replaceChildren(
    el("ul", { class: "checks" },
      check(ready, "Ready", ready ? "models and index are loaded, the store answers" : "the store does not answer, or something is not loaded"),
      check(waiting === 0, "Unanswered texts", waiting ? `${waiting} wait for an answer or a translation` : "none"),
      check(deliveries.dead === 0, "Deliveries to other systems", `${deliveries.due} due, ${deliveries.sent} sent, ${deliveries.dead} given up${deliveries.dead ? ": see triage outbox list" : ""}`),
      check(failed.length === 0, "Parts that failed", failed.length ? `${failed.map(([part, number]) => `${part} in ${number}`).join(", ")} of the newest ${seen} contacts` : `none in the newest ${seen} contacts`),
      check(true, "Speed", report.half_ms === null ? "nothing was triaged yet" : `half within ${Math.round(report.half_ms)} ms, 95 of 100 within ${Math.round(report.most_ms)} ms, of the newest ${seen} contacts`)),
    behind(`Release ${version.release}, and its parts`, el("dl", { class: "pairs" }, pairs(version.parts))));
}

function check(isWell, name, detail) {
  return el("li", {}, el("span", { class: isWell ? "sign well" : "sign look" }, isWell ? "✓" : "!", el("span", { class: "unseen" }, isWell ? " well" : " look")), el("b", {}, name), el("span", { class: "detail" }, detail));
}
