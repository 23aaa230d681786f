// Incidents with their contacts, bursts that are none yet, and what residents ask and no article answers.

import { button, el, languageName, link, time, tongue } from "./elements.js";
import { ask, contactPage } from "./service.js";
import { may, say, toast } from "./shell.js";

const SHOWN_GAPS = 8;

/** Draw open incidents and the surges of the last day that belong to none. */
export async function showIncidents(place, typeName) {
  const [incidents, surges] = await Promise.all([ask("/v1/incidents?limit=50"), ask("/v1/incidents/surges?hours=24")]);
  const known = new Set(incidents.flatMap((incident) => incident.message_ids));
  const loose = surges.filter((surge) => !surge.message_ids.every((id) => known.has(id)));
  const again = () => showIncidents(place, typeName);
  place.replaceChildren(
    loose.length ? el("div", { class: "incident loud" }, el("p", {}, el("b", {}, `${loose.length === 1 ? "A burst" : `${loose.length} bursts`} of similar contacts: `),
      loose.map((surge) => `${surge.message_ids.length} × ${typeName(surge.service_type)}${surge.area.length ? `, ${surge.area.join(", ")}` : ""}, since ${time(surge.started_at)}`).join("; ")),
      may("decide") && button({ class: "primary" }, () => change("/v1/incidents/surges", "POST", "Incident opened", again), "Make it an incident")) : "",
    incidents.length ? el("ul", { class: "incidents" }, incidents.map((incident) => row(incident, typeName, again))) : loose.length ? "" : el("p", { class: "quiet" }, "No incident is open, and nothing comes in bursts."));
}

function row(incident, typeName, again) {
  const { message_ids: ids } = incident;
  return el("li", { class: "incident" },
    el("div", { class: "row" }, el("b", { class: "incident-title" }, incident.title), el("span", { class: "tag" }, typeName(incident.service_type)),
      incident.area && el("span", { class: "tag" }, incident.area),
      el("span", { class: "quiet" }, `opened ${time(incident.opened_at)} by ${incident.opened_by}`),
      may("decide") && button({ class: "flat", "aria-label": `Close ${incident.title}` }, () => change(`/v1/incidents/${incident.id}/close`, "POST", "Incident closed; its contacts stay as they are", again), "Close")),
    el("details", {}, el("summary", {}, `${ids.length} contacts`),
      el("ul", { class: "row" }, ids.map((id) => el("li", {}, link(contactPage(id), {}, id))))));
}

async function change(path, method, told, then, body) {
  try {
    await ask(path, { method, body });
    toast(told);
    await then();
  } catch (error) {
    say(error.message, { trouble: true });
  }
}

/** Draw the topics that no article answers. */
export async function showGaps(place) {
  const gaps = await ask("/v1/gaps?limit=50");
  const again = () => showGaps(place);
  place.replaceChildren(...[gaps.length
    ? [gaps.slice(0, SHOWN_GAPS), gaps.slice(SHOWN_GAPS)].map((some, place) => place === 0 ? list(some, again)
      : some.length ? el("details", {}, el("summary", {}, `${some.length} more`), list(some, again)) : "")
    : el("p", { class: "quiet" }, "No topic was gathered. Questions are gathered into topics by ", el("code", {}, "triage kb gaps"), ".")].flat());
}

function list(gaps, again) {
  return el("ul", { class: "gaps" }, gaps.map((gap) => gapRow(gap, again)));
}

function gapRow(gap, again) {
  const to = link(`/console/knowledge?q=${encodeURIComponent(gap.topic)}`, tongue(gap.language), gap.topic);
  return el("li", {},
    el("div", { class: "row" }, el("span", { class: "count" }, `${gap.count} ×`), el("span", { class: "grow" }, to), el("span", { class: "tag" }, languageName(gap.language)), gap.last_at && el("span", { class: "quiet" }, time(gap.last_at))),
    el("details", {}, el("summary", {}, `Asked as, ${gap.examples.length} of ${gap.count}`),
      el("ul", { class: "lines" }, gap.examples.map((text) => el("li", {}, el("q", tongue(gap.language), text)))),
      may("kb:write") && answered(gap, again)));
}

function answered(gap, again) {
  const field = el("input", { required: true, maxlength: 200, placeholder: "name of the article" });
  const form = el("form", { class: "row" }, el("label", {}, "Answered now by ", field), el("button", {}, "Close the gap"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change(`/v1/gaps/${gap.id}/article`, "PUT", "Gap closed", again, { article_id: field.value.trim() });
  });
  return form;
}
