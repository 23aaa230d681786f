// The supervisor's page: what comes in, what people made of the suggestions, what runs by itself, what is wrong.

import { bar, behind, columns, table } from "./charts.js";
import { button, byId, el, key, languageName, link, percent, time } from "./elements.js";
import { showGaps, showIncidents } from "./happenings.js";
import { addKeys } from "./keys.js";
import { showPolicy } from "./policy.js";
import { ask, connection, serviceTypes } from "./service.js";
import { say, startShell } from "./shell.js";
import { showSystem } from "./system.js";
import { follow } from "./updates.js";

const SPANS = [1, 7, 14, 30, 60];
const LEVELS = ["emergency", "urgent", "high", "normal", "low", "info"];
const MOST_ROWS = 10;
const LEAST_RISING = 3;
const EVERY_MS = 30_000;
const dayName = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
let days = Number(new URLSearchParams(location.search).get("days")) || 14;
let names = new Map();
let timer = null;
let draws = 0;

function typeName(code) {
  return names.get(code) ?? (code === "none" ? "None told" : code);
}

/** Draw what is asked for now; figures that a newer question has overtaken are dropped. */
async function draw() {
  const number = ++draws;
  clearTimeout(timer);
  timer = null;
  try {
    const [told, types] = await Promise.all([ask(`/v1/overview?days=${days}`), serviceTypes()]);
    if (number !== draws) return;
    names = new Map(types.map((type) => [type.code, type.name]));
    drawSpans(told);
    drawTiles(told);
    drawVolumes(told);
    drawLanguages(told);
    drawTypes(told);
    byId("agreement").replaceChildren(...agreement("Type", told.agreement_by_service_type, typeName));
    byId("by-language").replaceChildren(...agreement("Language", told.agreement_by_language, languageName));
  } catch (error) {
    return number === draws && say(error.message, { trouble: true });
  }
  const parts = [showIncidents(byId("incidents"), typeName), showPolicy(byId("policy"), { days, typeName, languageName }), showGaps(byId("gaps")), showSystem(byId("system"))];
  for (const failed of (await Promise.allSettled(parts)).filter((part) => part.status === "rejected")) say(failed.reason.message, { trouble: true });
}

function drawSpans({ until }) {
  byId("days-told").parentElement.replaceChildren(...(days === 1 ? [byId("days-told")] : ["The last ", byId("days-told"), " days"]));
  byId("days-told").textContent = days === 1 ? "Today" : String(days);
  byId("as-of").replaceChildren(`as of ${time(until)}`);
  byId("spans").replaceChildren(...SPANS.map((span) => button({ "aria-pressed": String(span === days) }, () => choose(span), span === 1 ? "Today" : `${span} days`)));
}

function choose(span) {
  days = span;
  const url = new URL(location);
  url.searchParams.set("days", span);
  history.replaceState(null, "", url);
  draw().then(() => byId("spans").querySelector("[aria-pressed=true]")?.focus());
}

function tile(name, value, note, { loud = false } = {}) {
  return el("div", { class: loud ? "tile loud" : "tile" }, el("p", { class: "tile-name" }, name), el("p", { class: "tile-value" }, value), el("p", { class: "quiet" }, note));
}

function drawTiles({ contacts, open, waiting_by_urgency: waiting, auto, agreement_by_service_type: rates }) {
  const pressing = (waiting.emergency ?? 0) + (waiting.urgent ?? 0);
  const decided = rates.reduce((sum, each) => sum + each.decided, 0);
  const accepted = rates.reduce((sum, each) => sum + each.accepted, 0);
  byId("tiles").replaceChildren(
    tile("Came in", String(contacts), "contacts"),
    tile("Open now", link("/console/queue", {}, String(open)), LEVELS.filter((level) => waiting[level]).map((level) => `${waiting[level]} ${level}`).join(", ") || "none"),
    tile("Pressing", String(pressing), "open emergencies and urgent contacts", { loud: pressing > 0 }),
    tile("Suggestions accepted", decided ? percent(accepted / decided) : "–", decided ? `${accepted} of ${decided} that people decided on` : "nobody has decided yet"),
    tile("Routed by itself", auto.coverage === null ? "–" : percent(auto.coverage), auto.precision === null ? `${auto.contacts} contacts, none reviewed yet` : `${percent(auto.precision)} of ${auto.reviewed} reviewed stand, at least ${percent(auto.precision_low)}`));
}

function drawVolumes({ days: volumes, trends }) {
  const named = volumes.map(({ day, contacts, channels }) => ({ name: dayName.format(new Date(day)), contacts, channels }));
  const channels = trends.channel.map(({ value }) => value).filter((value) => named.some((each) => each.channels[value]));
  const totals = named.map(({ name, contacts }) => ({ name, value: contacts }));
  const peak = totals.reduce((most, each) => (each.value > most.value ? each : most), totals[0]);
  const most = Math.max(1, ...channels.flatMap((channel) => named.map((each) => each.channels[channel] ?? 0)));
  const row = (name, values, options) => [el("span", {}, name), columns(values, { label: `${name}: ${values.map((each) => `${each.name} ${each.value}`).join(", ")}`, ...options }), el("span", { class: "number" }, String(values.reduce((sum, each) => sum + each.value, 0)))];
  byId("volumes").replaceChildren(
    el("p", { class: "quiet" }, peak.value ? `Most on ${peak.name}: ${peak.value}. All channels have one scale, the total its own.` : "Nothing came in."),
    el("div", { class: "multiples" }, row("All", totals, { tall: true }),
      el("span", {}), el("span", { class: "ends quiet" }, el("span", {}, named[0].name), named.length > 1 && el("span", {}, named.at(-1).name)), el("span", {}),
      channels.map((channel) => row(channel, named.map((each) => ({ name: each.name, value: each.channels[channel] ?? 0 })), { most }))),
    behind("The numbers", table("Contacts by day and channel", [
      { title: "Day", cell: (each) => each.name }, { title: "All", number: true, cell: (each) => String(each.contacts) },
      ...channels.map((channel) => ({ title: channel, number: true, cell: (each) => String(each.channels[channel] ?? 0) })),
    ], [...named].reverse())));
}

function change({ contacts, before, change: share }) {
  if (share === null) return contacts ? "new" : "–";
  return share === 0 ? "same" : `${share > 0 ? "▲" : "▼"} ${Math.abs(contacts - before)} (${share > 0 ? "+" : "−"}${Math.round(Math.abs(share) * 100)} %)`;
}

function counted(caption, title, rows, name, href) {
  const most = Math.max(1, ...rows.map((row) => row.contacts));
  return table(caption, [
    { title, cell: (row) => (href ? link(href(row.value), {}, name(row.value)) : name(row.value)) },
    { title: "Drawn", kind: "wide-cell", cell: (row) => bar([{ value: row.contacts, kind: "full" }], most) },
    { title: "Contacts", number: true, cell: (row) => String(row.contacts) },
    { title: `${days === 1 ? "The day" : `${days} days`} before`, number: true, cell: (row) => String(row.before) },
    { title: "Change", number: true, cell: change },
  ], rows);
}

function drawLanguages({ trends, contacts }) {
  const rows = trends.language.filter((row) => row.contacts);
  const other = rows.filter(({ value }) => !["en", "und", "none"].includes(value)).reduce((sum, row) => sum + row.contacts, 0);
  const href = (code) => `/console/queue?language=${encodeURIComponent(code)}`;
  byId("languages").replaceChildren(
    el("p", { class: "quiet" }, contacts ? `${percent(other / contacts)} are not in English; ${rows.length} languages.` : "Nothing came in."),
    counted("Most frequent languages", "Language", rows.slice(0, MOST_ROWS), languageName, href),
    rows.length > MOST_ROWS && behind(`All ${rows.length} languages`, counted("All languages", "Language", rows, languageName, href)) || "");
}

function drawTypes({ trends, contacts }) {
  const rows = trends.service_type.filter((row) => row.contacts);
  byId("types").replaceChildren(counted("Most frequent types", "Type", rows.slice(0, MOST_ROWS), typeName),
    rows.length > MOST_ROWS ? behind(`All ${rows.length} types`, counted("All types", "Type", rows, typeName)) : "");
  const rising = rows.filter((row) => row.contacts - row.before >= LEAST_RISING && row.contacts > 1.5 * row.before).sort((one, other) => (other.contacts - other.before) - (one.contacts - one.before));
  const before = trends.service_type.reduce((sum, row) => sum + row.before, 0);
  byId("rising").replaceChildren(!before ? el("p", { class: "quiet" }, contacts ? `Nothing came in during the ${days === 1 ? "day" : `${days} days`} before, so that nothing can be compared; choose a shorter time.` : "Nothing came in.") : rising.length
    ? counted("Rising types", "Type", rising.slice(0, MOST_ROWS), typeName)
    : el("p", { class: "quiet" }, `No type came in ${LEAST_RISING} times more, and half as often again, than before.`));
}

function agreement(title, rows, name) {
  const most = Math.max(1, ...rows.map((row) => row.decided));
  const cols = [
    { title, cell: (row) => name(row.value) },
    { title: "Drawn", kind: "wide-cell", cell: (row) => bar([{ value: row.accepted, kind: "full" }, { value: row.overridden, kind: "against" }], most) },
    { title: "Accepted", number: true, cell: (row) => String(row.accepted) },
    { title: "Overridden", number: true, cell: (row) => String(row.overridden) },
    { title: "Rate", number: true, cell: (row) => el("span", { class: row.override_rate > 0.1 && row.decided >= 5 ? "warning" : null }, percent(row.override_rate)) },
  ];
  const most_rows = rows.slice(0, MOST_ROWS);
  return [
    rows.length ? el("p", { class: "legend quiet" }, el("span", { class: "swatch full" }), "accepted ", el("span", { class: "swatch against" }), "overridden; the rate is the share that was overridden") : "",
    table(`${title}: accepted and overridden`, cols, most_rows, { empty: "Nobody has decided on a suggestion yet." }),
    rows.length > MOST_ROWS ? behind(`All ${rows.length}`, table(`All, by ${title.toLowerCase()}: accepted and overridden`, cols, rows)) : "",
  ];
}

/** Draw anew by itself only while nobody reads closely: what is open stays open, what has the focus keeps it. */
function refresh() {
  timer = null;
  const isRead = document.querySelector("main details[open], dialog[open]") || byId("main").contains(document.activeElement);
  if (!isRead) return draw();
  if (!byId("as-of").querySelector("button")) byId("as-of").append(" · more came in ", button({}, draw, "Refresh ", key("R")));
}

connection.addEventListener("back", draw);
connection.addEventListener("signed-in", draw);
addKeys("Supervisor", [{ keys: ["r"], does: "Refresh", run: draw }]);
await startShell();
await draw();
follow({ changed: () => (timer ??= setTimeout(refresh, EVERY_MS)), reset: () => {} });
