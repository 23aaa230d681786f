// Practice: decided contacts one by one; the trainee decides first, then sees what was recorded and why.
// Everything stays on this page: nothing is sent, and the tally ends with the tab.

import { button, byId, el, fill, key, languageName, levelBadge, link, tongue } from "./elements.js";
import { addKeys } from "./keys.js";
import { ask, connection, contactPage, serviceTypes } from "./service.js";
import { say, startShell } from "./shell.js";

const LEVELS = ["emergency", "urgent", "high", "normal", "low", "info"];
const TALLY = "practice-tally";
const MANY = 60;
let types = [];
let cases = [];
let shown = null;
let tally = JSON.parse(sessionStorage.getItem(TALLY) ?? "null") ?? { seen: 0, type: 0, urgency: 0, both: 0 };

function shuffled(values) {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}

function next() {
  shown = cases.shift() ?? null;
  byId("decide").hidden = !shown;
  if (!shown) {
    byId("case").replaceChildren(el("h2", { id: "case-title" }, "Contact"), tally.seen
      ? el("p", { class: "empty" }, "That was the last one. ", button({}, load, "Begin again"))
      : el("p", { class: "empty" }, "No contact has been decided yet. As soon as people decide contacts, they can be practiced here; ", el("code", {}, "triage demo"), " brings samples."));
    return;
  }
  drawCase();
  byId("form").hidden = false;
  byId("recorded").hidden = true;
  byId("form").reset();
  byId("missing").textContent = "";
  drawTypes("");
  byId("case").focus();
}

function drawCase() {
  const { channel, subject, text, language, english } = shown;
  byId("case").replaceChildren(
    el("div", { class: "head" }, el("h2", { id: "case-title" }, `Contact ${tally.seen + 1}`), el("span", { class: "tag" }, channel), el("span", { class: "tag" }, languageName(language))),
    subject && el("p", { class: "subject", ...tongue(language) }, subject) || "",
    el("p", { class: "said case-text", ...tongue(language) }, text),
    english ? el("div", { class: "english" }, el("h3", {}, "English, by machine, not checked by a person"), el("p", { class: "said" }, english)) : language !== "en" && language !== "und" ? el("p", { class: "quiet" }, "No translation; an interpreter would be asked for.") : "");
}

function drawLevels() {
  byId("levels").replaceChildren(...LEVELS.map((level, place) => el("label", {}, el("input", { type: "radio", name: "urgency", value: level }), level, " ", key(String(place + 1)))));
}

/** Draw the types whose name, group or department holds every word. */
function drawTypes(words) {
  const chosen = new FormData(byId("form")).get("type");
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = types.filter((type) => wanted.every((word) => `${type.name} ${type.group} ${type.department} ${type.code} ${type.description}`.toLowerCase().includes(word)));
  const groups = Map.groupBy ? Map.groupBy(found, (type) => type.group) : grouped(found);
  fill("types", [...groups].map(([group, members]) => el("div", { role: "group", "aria-label": group, class: "type-group" }, el("p", { class: "quiet", "aria-hidden": "true" }, group),
    members.map((type) => el("label", { class: "check", title: type.description }, el("input", { type: "radio", name: "type", value: type.code, checked: type.code === chosen }), el("span", {}, type.name))))));
  byId("filter-told").textContent = words ? `${found.length} of ${types.length} types` : `${types.length} types`;
}

function grouped(found) {
  const groups = new Map();
  for (const type of found) groups.set(type.group, [...(groups.get(type.group) ?? []), type]);
  return groups;
}

function decide(event) {
  event?.preventDefault();
  if (!shown || byId("form").hidden) return;
  const form = new FormData(byId("form"));
  const mine = { type: form.get("type"), urgency: form.get("urgency") };
  if (!mine.type || !mine.urgency) {
    byId("missing").textContent = mine.type ? "Choose the urgency, too." : mine.urgency ? "Choose the service type, too." : "Choose urgency and service type.";
    return;
  }
  count(mine);
  reveal(mine);
}

function count(mine) {
  const right = { type: mine.type === shown.service_type, urgency: mine.urgency === shown.urgency };
  tally = { seen: tally.seen + 1, type: tally.type + right.type, urgency: tally.urgency + right.urgency, both: tally.both + (right.type && right.urgency) };
  sessionStorage.setItem(TALLY, JSON.stringify(tally));
  drawTally();
}

function drawTally() {
  const { seen, type, urgency, both } = tally;
  fill("tally", seen ? [el("span", {}, "Service type ", el("b", {}, `${type} of ${seen}`)), el("span", {}, "Urgency ", el("b", {}, `${urgency} of ${seen}`)), el("span", {}, "Both ", el("b", {}, `${both} of ${seen}`)),
    button({ class: "flat" }, startOver, "Start the tally over")] : "");
}

function startOver() {
  tally = { seen: 0, type: 0, urgency: 0, both: 0 };
  sessionStorage.removeItem(TALLY);
  drawTally();
}

function typeName(code) {
  return types.find((type) => type.code === code)?.name ?? code;
}

function compared(name, mine, recorded, draw) {
  const same = mine === recorded;
  return el("div", { class: same ? "compared same" : "compared other" }, el("h3", {}, el("span", { class: "sign" }, same ? "✓" : "✗"), ` ${name}: ${same ? "the same" : "another"}`),
    el("dl", { class: "pairs" }, el("dt", {}, "You"), el("dd", {}, draw(mine)), el("dt", {}, "Recorded"), el("dd", {}, draw(recorded))));
}

function reveal(mine) {
  const { language, because, reasons, urgency_reasons: causes, note } = shown;
  const quotes = (texts) => texts.map((text, place) => [place > 0 && ", ", el("q", tongue(language), text)]);
  const goOn = button({ class: "primary" }, next, "Next contact ", key("N"));
  byId("form").hidden = true;
  byId("recorded").hidden = false;
  byId("recorded").replaceChildren(
    el("div", { class: "grid-2" }, compared("Urgency", mine.urgency, shown.urgency, levelBadge), compared("Service type", mine.type, shown.service_type, typeName)),
    el("div", { class: "why stack" }, el("h3", {}, shown.decided_by_person ? "Why a person decided so" : "Why the service decided so"),
      note && el("p", {}, "Note: ", el("q", {}, note)),
      el("ul", { class: "lines" },
        causes.length > 0 && el("li", {}, "Urgency, from the words ", quotes(causes)),
        because.length > 0 && el("li", {}, "Service type, from the words ", quotes(because)),
        reasons.map((reason) => el("li", {}, reason)),
        shown.suggested && shown.suggested !== shown.service_type && el("li", {}, `The service had suggested ${typeName(shown.suggested)}; a person changed it.`)),
      shown.department && el("p", { class: "quiet" }, `It went to ${shown.department}.`)),
    el("p", { class: "row" }, goOn, link(contactPage(shown.message_id), {}, "The whole contact")));
  goOn.focus();
}

async function load() {
  try {
    const [found, known] = await Promise.all([ask(`/v1/practice?limit=${MANY}`), serviceTypes()]);
    types = known;
    cases = shuffled(found);
    next();
  } catch (error) {
    byId("case").replaceChildren(el("h2", { id: "case-title" }, "Contact"), el("p", { class: "warning" }, error.message), button({}, load, "Try again"));
    say(error.message, { trouble: true });
  }
}

byId("form").addEventListener("submit", decide);
byId("filter").addEventListener("input", () => drawTypes(byId("filter").value));
byId("filter").addEventListener("keydown", (event) => {
  if (!["Enter", "ArrowDown"].includes(event.key) || event.ctrlKey || event.isComposing) return;
  event.preventDefault();
  const first = byId("types").querySelector("input");
  if (first && !byId("types").querySelector(":checked")) first.checked = true;
  (byId("types").querySelector(":checked") ?? first)?.focus();
});
connection.addEventListener("back", () => shown || load());

const isOpen = () => shown !== null && !byId("form").hidden;
addKeys("Practice", [
  { keys: LEVELS.map((_, place) => String(place + 1)), shown: "1 – 6", does: "Choose the urgency", when: isOpen, run: (name) => (byId("levels").querySelectorAll("input")[name - 1].checked = true) },
  { keys: ["/"], does: "Search the service types", when: isOpen, run: () => byId("filter").focus() },
  { keys: ["Ctrl+Enter"], shown: "Ctrl+Enter", does: "Decide", when: isOpen, run: () => decide() },
  { keys: ["n"], does: "Next contact", when: () => shown !== null && byId("form").hidden, run: next },
]);

await startShell();
drawLevels();
drawTally();
await load();
