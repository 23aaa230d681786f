// One contact: read it, see why it was suggested so, decide, answer. Two agents never work on it at once.

import { AnswerSlots, searchInto } from "./answers.js";
import { ClaimWatch } from "./claiming.js";
import { chips, interpreterCard, languageLine, legend, showMarked, translationBlock } from "./details.js";
import { age, byId, button, changed, el, fill, key, levelBadge, link, time, timeLeft } from "./elements.js";
import { showHistory } from "./history.js";
import { addKeys, isTyping } from "./keys.js";
import { showAttachments, showDuplicates, showSimilar, showThread } from "./related.js";
import { Reply } from "./reply.js";
import { acknowledge, mustAcknowledge, pointToSafety, showSafety } from "./safety.js";
import { claim, release, Saver, Saving, undo } from "./saving.js";
import { ask, connection, contactPage, contactUrl, serviceTypes } from "./service.js";
import { may, me, say, startShell, toast } from "./shell.js";
import { Suggestions } from "./suggestions.js";
import { follow } from "./updates.js";

const TICK_MS = 30_000;
const id = decodeURIComponent(location.pathname.replace(/^\/console\/contact\//, ""));

let detail = null;
let types = new Map();
let loads = 0;
let shown = 0; // the number of the load that is shown
let busy = false; // one decision at a time

const saver = new Saver();
const claims = new ClaimWatch(id);
const reply = new Reply(id);
const suggestions = new Suggestions(chosen);
const answers = new AnswerSlots(byId("answers"), byId("answers-for"), () => {
  if (answers.picked) reply.use(answers.picked);
  chosen();
});
const search = searchInto(answers, ownAnswers);

function nameOf(code) {
  return types.get(code)?.name ?? code;
}

/** Read the contact; an answer that a newer one has overtaken is dropped. */
async function load() {
  const number = ++loads;
  let isFirst = false;
  try {
    const answer = await ask(contactUrl(id));
    if (number < shown) return;
    isFirst = !detail;
    [detail, shown] = [answer, number];
  } catch (error) {
    if (number < shown) return;
    fill("news", el("p", { class: "notice" }, error.status === 404 ? "No such contact is stored: it may have been deleted." : error.message));
    return;
  }
  fill("news");
  draw();
  if (isFirst) begin();
}

function draw() {
  const { contact } = detail;
  const { triage, text, subject } = contact;
  drawHead();
  if (changed("contact", [triage, text])) {
    fill("language", triage ? languageLine(triage) : "not read yet");
    fill("subject", subject ?? "");
    byId("subject").lang = triage?.language.code ?? "";
    showMarked(byId("said"), text, triage);
    fill("english", triage && translated(triage));
    fill("interpreter", triage && interpreterCard(triage));
    fill("found", triage ? chips(triage) : "");
    ownAnswers();
  }
  suggestions.show(triage, standing());
  showSafety({ id, text, triage }, () => byId("suggestions").focus());
  if (changed("history", [detail.triages.length, detail.decisions.length, detail.pauses, types.size])) showHistory(byId("history"), detail, nameOf);
  if (changed("duplicates", [detail.duplicates, detail.incident])) showDuplicates(byId("duplicates"), detail.duplicates, detail.incident);
  drawDecide();
}

function translated(triage) {
  const block = translationBlock(triage);
  return block && [el("h3", {}, "Translation"), block];
}

/** Say whether a person has decided on type and level; to use an answer decides neither. */
function isSettled() {
  const last = detail.decisions.findLast(({ action }) => action !== "answer_used");
  return last?.actor === "person" && last.action !== "undo";
}

/** Return what a person has decided, which the slots show as taken. */
function standing() {
  const { decision } = detail.contact;
  return isSettled() ? { type: decision.service_type, level: decision.urgency } : {};
}

function drawHead() {
  const { contact } = detail;
  const { decision, urgency, status, due_at, paused, channel, created_at, claimed_by } = contact;
  const name = decision?.service_type ? nameOf(decision.service_type) : "No type yet";
  document.title = `${name} · Triage 311`;
  byId("title").textContent = name;
  const due = due_at && timeLeft(due_at);
  fill("badges", levelBadge(urgency),
    el("span", { class: status === "closed" ? "tag" : "tag strong" }, status),
    status === "open" && (paused ? el("span", { class: "tag" }, "paused: the resident is asked") : due && el("span", { class: due.late ? "tag loud" : "tag" }, due.text)),
    detail.incident && el("span", { class: "tag loud" }, `incident: ${detail.incident.title}`));
  fill("stands",
    el("span", {}, `By ${channel}, ${time(created_at)} (${age(created_at)} ago)`),
    decision && el("span", {}, el("b", {}, decision.department ?? "no department"), ` · ${decision.actor === "person" ? `${decision.action.replace("_", " ")} by ${decision.decided_by}` : `${decision.mode} by the policy`}`),
    el("span", {}, id));
  fill("way", claimed_by && claimed_by !== me().name && el("span", { class: "tag loud" }, `${claimed_by} works on it`),
    claimed_by === me().name && el("span", { class: "tag strong" }, "you work on it"),
    ownButton(claimed_by), neighbors(), takeButton());
}

function ownButton(agent) {
  if (!agent) return button({}, take, "Claim ", key("C"));
  return agent === me().name && button({}, () => giveBack(), "Release ", key("C"));
}

/** Return a lead's button, in a place of its own: a claim that comes in this moment is not taken by whoever presses C. */
function takeButton() {
  return isOthers() && may("reports") && button({}, () => giveBack({ force: true }), "Take it from them");
}

/** Return links to the contacts before and after this one in the queue that the agent came from. */
function neighbors() {
  const ids = JSON.parse(sessionStorage.getItem("queue") ?? "[]");
  const at = ids.indexOf(id);
  const next = at >= 0 ? ids[at + 1] : ids[0];
  return [
    link("/console/queue", { class: "button" }, "Queue"),
    next && next !== id && link(contactPage(next), { id: "next", class: "button" }, "Next ", key("N")),
  ];
}

function ownAnswers() {
  const { triage } = detail.contact;
  if (triage) answers.show("For this contact", triage.answer_status, triage.answers);
}

function isOthers() {
  const agent = detail?.contact.claimed_by;
  return Boolean(agent) && agent !== me().name;
}

function choice() {
  const { picked } = suggestions.types;
  const settledType = isSettled() && picked?.code === detail.contact.decision.service_type && !suggestions.urgency;
  return { type: settledType ? null : picked, urgency: suggestions.urgency, answer: answers.picked };
}

function drawDecide() {
  const { contact } = detail;
  const { type, urgency, answer } = choice();
  const parts = [
    type && el("b", {}, type.code === contact.decision?.service_type ? `Accept ${type.name}` : type.name), type && ` → ${type.department}`,
    urgency && `${type ? ", " : ""}urgency ${urgency}`, answer && `${type || urgency ? ", " : ""}answer “${answer.title}”`,
  ].filter(Boolean);
  fill("will-save", isOthers() ? el("span", { class: "warning" }, `${contact.claimed_by} works on it: nothing can be decided here meanwhile.`)
    : parts.length ? parts : el("span", { class: "quiet" }, isSettled() ? "Decided. Take another type, level or answer to change it." : "Take a service type: 1 – 5, or 0 for another."));
  byId("save").disabled = isOthers() || !parts.length;
  byId("close").disabled = isOthers() || contact.status === "closed";
  byId("undo").disabled = isOthers() || !contact.decision;
}

function chosen() {
  saver.forget();
  if (detail) drawDecide();
}

/** Do something that needs the contact to oneself, and read the contact anew; what fails is told. */
async function attempt(work, done) {
  if (mustAcknowledge()) {
    say("Acknowledge the safety banner first: F2", { trouble: true });
    return pointToSafety();
  }
  if (isOthers()) return say(`${detail.contact.claimed_by} works on it.`, { trouble: true });
  if (busy) return null;
  busy = true;
  say("Saving…");
  try {
    await work();
    await load();
    say(done);
  } catch (error) {
    say(error.status === 412 ? "Somebody has decided since: look at it again." : `Not saved: ${error.message}`, { trouble: true });
    if (error.status === 412 || error.status === 409) await load();
  } finally {
    busy = false;
  }
}

function save({ close = false } = {}) {
  if (!detail) return null;
  const chosenNow = choice();
  if (!close && !chosenNow.type && !chosenNow.urgency && !chosenNow.answer) return say("Take a service type, a level or an answer first.", { trouble: true });
  return attempt(async () => {
    await claim(id);
    await saver.save(() => withNote(new Saving(detail.contact, { ...chosenNow, close })), { close });
    suggestions.reset();
    answers.picked = null;
    byId("why").value = "";
    ownAnswers();
    toast(close ? "Closed." : "Decided.", ...neighbors().slice(1).filter(Boolean));
  }, close ? "Closed" : "Decided");
}

function withNote(made) {
  const note = byId("why").value.trim();
  if (note && made.steps.length) made.steps[0] = { ...made.steps[0], note };
  return made;
}

function takeBack() {
  if (!detail?.contact.decision) return null;
  return attempt(async () => {
    await undo(detail.contact, byId("why").value.trim());
    suggestions.reset();
  }, "Undone: what stood before stands again");
}

async function take() {
  try {
    await claim(id);
    say("You work on it");
  } catch (error) {
    say(error.message, { trouble: true });
  }
  await load();
}

async function giveBack({ force = false } = {}) {
  await release(id, { force }).then(() => say("Released"), (error) => say(error.message, { trouble: true }));
  await load();
}

addKeys("Contact", [
  { keys: ["1", "2", "3", "4", "5"], shown: "1 – 5", does: "Take a service type; again, let it go", run: (name) => suggestions.types.take(Number(name)) },
  { keys: ["0"], does: "Another service type, by name", run: () => suggestions.types.other.focus() },
  { keys: ["u"], shown: "U", does: "Change the urgency with the arrow keys", run: () => suggestions.focusUrgency() },
  { keys: ["a", "s", "d"], shown: "A S D", does: "Take an answer, into the reply too", run: (name) => answers.take(name) },
  { keys: ["/"], does: "Search the knowledge base", run: () => byId("search").focus() },
  { keys: ["c"], shown: "C", does: "Claim or release", run: () => (detail?.contact.claimed_by === me().name ? giveBack() : take()) },
  { keys: ["e"], shown: "E", does: "Write the reply", run: () => byId("reply").focus() },
  { keys: ["Ctrl+Enter"], shown: "Ctrl + Enter", does: "Decide", run: () => save() },
  { keys: ["Ctrl+Shift+Enter"], shown: "Ctrl + Shift + Enter", does: "Decide and close", run: () => save({ close: true }) },
  { keys: ["z"], shown: "Z", does: "Undo the last decision", run: takeBack, when: () => !isTyping() },
  { keys: ["n"], shown: "N", does: "The next contact of the queue", run: () => byId("next")?.click(), when: () => !isTyping() },
  { keys: ["Escape"], shown: "Esc", does: "Out of a text field", run: () => byId("suggestions").focus() },
  { keys: ["F2"], does: "Acknowledge the safety banner", run: acknowledge },
]);

/** Draw the times anew, and see to the claim: one's own is renewed, another's may have ended. */
function tick() {
  drawHead();
  claims.tick(detail.claim, { isMine: detail.contact.claimed_by === me().name, reload: load });
}

/** Read what belongs to the contact, once it is there. */
function begin() {
  reply.load().catch((error) => say(error.message, { trouble: true }));
  showThread(byId("thread"), id);
  showAttachments(byId("attachments"), id);
  showSimilar(byId("similar"), id);
  serviceTypes().then((known) => {
    types = new Map(known.map((type) => [type.code, type]));
    draw();
  }, () => {});
  follow({ changed: (events) => events.some((event) => event.id === id) && load(), reset: load });
}

async function start() {
  byId("suggestions").append(...suggestions.nodes);
  byId("said").after(legend());
  byId("search").addEventListener("input", search);
  byId("save").addEventListener("click", () => save());
  byId("close").addEventListener("click", () => save({ close: true }));
  byId("undo").addEventListener("click", takeBack);
  for (const event of ["back", "signed-in"]) connection.addEventListener(event, load);
  setInterval(() => document.hidden || !detail || tick(), TICK_MS);
  const ready = startShell();
  if (!me().name) await ready;
  await load();
  performance.mark("usable");
}

start();
