// The live note: what an agent types, what the service makes of it after each pause, and saving both without a mouse.

import { AnswerSlots, searchInto } from "./answers.js";
import { chips, interpreterCard, languageLine, legend, showMarked, translationBlock } from "./details.js";
import { button, byId, changed, el, fill, key, languageName, link, percent } from "./elements.js";
import { addKeys, isTyping } from "./keys.js";
import { LiveNotes } from "./live.js";
import { acknowledge, mustAcknowledge, pointToSafety, showSafety } from "./safety.js";
import { claim, release, Saver, Saving, storeNote, undo } from "./saving.js";
import { ask, connection, contactPage, contactUrl, randomId, Refused, SignedOut } from "./service.js";
import { say, speak, startShell, toast } from "./shell.js";
import { Suggestions } from "./suggestions.js";
import { follow } from "./updates.js";

const CLAIM_AGAIN_MS = 5 * 60_000;

let note = kept() ?? blankNote();
let busy = false; // one save at a time
let lastSaved = null; // to be taken back with one key

const suggestions = new Suggestions(chosen);
const answers = new AnswerSlots(byId("answers"), byId("answers-for"), chosen);
const search = searchInto(answers, ownAnswers);
const notes = new LiveNotes({ send, working: () => say("Reading…"), answered, failed, keptAs: "notes on their way" });
const saver = new Saver();

function blankNote() {
  return { id: `note-${randomId()}`, text: "", channel: "call", triage: null, claimedAt: 0 };
}

/** A reload, or signing in again, loses nothing: the tab keeps its note until it is saved. */
function kept() {
  const text = sessionStorage.getItem("note");
  return text && { ...blankNote(), ...JSON.parse(text) };
}

function keep() {
  const text = byId("note").value;
  if (text.trim()) sessionStorage.setItem("note", JSON.stringify({ id: note.id, text, channel: byId("channel").value }));
  else sessionStorage.removeItem("note");
}

function send(request) {
  performance.mark("asked");
  return ask("/v1/triage?translate=later", { method: "POST", body: request });
}

function answered(request, triage) {
  if (request.id !== note.id || !byId("note").value.trim()) return;
  say("Up to date");
  note = { ...note, text: request.text, triage };
  hold();
  draw();
  performance.measure("suggestion", "asked");
  speak(summary(triage));
}

function failed(error, request) {
  if (error instanceof SignedOut || !(error instanceof Refused)) return; // the strip says so; the note waits
  say(error.message, { trouble: true });
  if (request.id === note.id) note = { ...note, triage: null };
  draw();
}

/** Nobody else takes the note from the queue while it is being typed. */
function hold() {
  if (Date.now() - note.claimedAt < CLAIM_AGAIN_MS) return;
  note.claimedAt = Date.now();
  claim(note.id).catch(() => {});
}

function summary({ service_types: [best], urgency, language, answers: found, missing }) {
  const type = best ? `${best.name}, ${percent(best.probability)}. ` : "";
  return `${type}Urgency ${urgency.level}. ${languageName(language.code)}. ${found.length} answers, ${missing.length} fields missing.`;
}

function draw() {
  const { triage, text } = note;
  if (changed("note", [note.id, triage])) {
    byId("note").lang = triage?.language.code ?? "";
    fill("language", triage ? languageLine(triage) : "");
    showMarked(byId("read"), triage ? text : "", triage);
    fill("interpreter", triage && interpreterCard(triage));
    fill("translation", triage && translationBlock(triage));
    fill("found", triage ? chips(triage) : "");
    suggestions.show(triage);
    if (!byId("search").value.trim()) ownAnswers();
  }
  showSafety(note, () => byId("note").focus());
  drawSave();
}

function ownAnswers() {
  const { triage } = note;
  if (triage) answers.show("For this note", triage.answer_status, triage.answers);
  else answers.show("", null, []);
}

function drawSave() {
  const { picked } = suggestions.types;
  const level = suggestions.urgency ?? note.triage?.urgency.level;
  const parts = picked && [el("b", {}, picked.name), ` → ${picked.department}, ${level}`, answers.picked && `, answer “${answers.picked.title}”`];
  fill("will-save", parts ?? el("span", { class: "quiet" }, whatToDo()));
  for (const id of ["save", "save-close"]) byId(id).disabled = !byId("note").value.trim();
}

function whatToDo() {
  if (note.triage) return "Take a service type: 1 – 5, or 0 for another.";
  return byId("note").value.trim() ? "The suggestions are on their way." : "Nothing to save yet.";
}

function chosen() {
  saver.forget();
  drawSave();
}

function write() {
  const request = { id: note.id, text: byId("note").value, channel: byId("channel").value };
  saver.forget();
  if (!request.text.trim()) note = { ...note, text: "", triage: null };
  notes.write(request);
  keep();
  if (!request.text.trim()) {
    answers.clear();
    draw();
  }
  drawSave();
}

async function save({ close = false } = {}) {
  if (busy) return;
  const text = byId("note").value;
  if (!text.trim()) return say("The note is empty: type what the resident says.", { trouble: true });
  if (mustAcknowledge()) {
    say("Acknowledge the safety banner first: F2", { trouble: true });
    return pointToSafety();
  }
  if (!suggestions.types.picked) {
    say("Take a service type first: 1 – 5, or 0 for another.", { trouble: true });
    return byId("suggestions").focus();
  }
  busy = true;
  say("Saving…");
  try {
    const saving = await saver.save(() => begin(text), { close });
    if (saving) saved(saving.stands, { text, close });
  } catch (error) {
    say(error.status === 412 ? "Somebody else has decided on this contact: open it in the queue." : `Not saved: ${error.message} Press Ctrl+Enter to try again.`, { trouble: true });
  } finally {
    busy = false;
  }
}

/** Store the text as it is now; null where its answer brings a danger that nobody has seen yet. */
async function begin(text) {
  const choice = { type: suggestions.types.picked, urgency: suggestions.urgency, answer: answers.picked };
  const contact = await storeNote({ id: note.id, text, channel: byId("channel").value });
  note = { ...note, text, triage: contact.triage };
  draw();
  if (mustAcknowledge()) {
    say("Acknowledge the safety banner first: F2", { trouble: true });
    return null;
  }
  return new Saving(contact, choice);
}

/** Tell that it is saved; the field is emptied unless somebody has gone on writing in it. */
function saved(decision, { text, close }) {
  const { id } = note;
  lastSaved = { message_id: id, version: decision?.version };
  toast(`${close ? "Saved and closed" : "Saved"}: ${decision?.department ?? "no department"}.`, link(contactPage(id), {}, "Open the contact"), button({}, takeBack, "Undo ", key("Z")));
  say("Saved");
  if (byId("note").value === text) startNote({ flush: false });
}

/** Take back what was decided last; the contact itself stays, and waits in the queue. */
async function takeBack() {
  if (!lastSaved) return;
  try {
    await undo(lastSaved);
    toast("Undone: the contact waits in the queue.", link(contactPage(lastSaved.message_id), {}, "Open the contact"));
    lastSaved = null;
  } catch (error) {
    say(`Not undone: ${error.message}`, { trouble: true });
  }
}

/** Begin the next note, unless this one is being saved. */
function newNote() {
  if (busy) say("Saving…");
  else startNote();
}

function startNote({ flush = true } = {}) {
  if (flush) notes.flush();
  if (flush && note.claimedAt) release(note.id).catch(() => {});
  note = blankNote();
  saver.forget();
  byId("note").value = "";
  byId("search").value = "";
  keep();
  answers.clear();
  draw();
  byId("note").focus();
}

function leave() {
  if (byId("search").value) {
    byId("search").value = "";
    search();
  }
  if (document.activeElement === byId("note")) {
    byId("suggestions").focus();
    speak("Out of the note: keys work alone. Escape goes back.");
  } else byId("note").focus();
}

/** Show the newest answer to this note, such as one whose translation has come. */
async function renew(events) {
  if (!events.some((event) => event.id === note.id && event.kind === "triaged") || note.triage?.translation.status !== "pending") return;
  const { contact } = await ask(contactUrl(note.id)).catch(() => ({}));
  if (contact?.message_id !== note.id || contact.text !== note.text) return;
  note = { ...note, triage: contact.triage };
  draw();
}

addKeys("Live note", [
  { keys: ["1", "2", "3", "4", "5"], shown: "1 – 5", does: "Take a service type; again, let it go", run: (name) => suggestions.types.take(Number(name)) },
  { keys: ["0"], does: "Another service type, by name", run: () => suggestions.types.other.focus() },
  { keys: ["u"], shown: "U", does: "Change the urgency with the arrow keys", run: () => suggestions.focusUrgency() },
  { keys: ["a", "s", "d"], shown: "A S D", does: "Take an answer", run: (name) => answers.take(name) },
  { keys: ["/"], does: "Search the knowledge base", run: () => byId("search").focus() },
  { keys: ["Escape"], shown: "Esc", does: "Out of the note, or back into it", run: leave },
  { keys: ["Ctrl+Enter"], shown: "Ctrl + Enter", does: "Save the contact with your decision", run: () => save() },
  { keys: ["Ctrl+Shift+Enter"], shown: "Ctrl + Shift + Enter", does: "Save and close it", run: () => save({ close: true }) },
  { keys: ["n"], shown: "N", does: "New note", run: newNote, when: () => !isTyping() || document.activeElement === byId("note") },
  { keys: ["z"], shown: "Z", does: "Undo what was saved last", run: takeBack },
  { keys: ["F2"], does: "Acknowledge the safety banner", run: acknowledge },
]);

function start() {
  byId("suggestions").append(...suggestions.nodes);
  byId("read").after(legend());
  byId("note").addEventListener("input", write);
  byId("channel").addEventListener("change", write);
  byId("search").addEventListener("input", search);
  byId("new-note").addEventListener("click", newNote);
  byId("save").addEventListener("click", () => save());
  byId("save-close").addEventListener("click", () => save({ close: true }));
  for (const event of ["back", "signed-in"]) connection.addEventListener(event, () => notes.flush());
  byId("note").value = note.text;
  byId("channel").value = note.channel;
  if (note.text) write();
  notes.flush();
  draw();
  startShell();
  follow({ changed: renew, reset: () => {} });
  performance.mark("usable");
}

start();
