// The agents' page: a live note on the left, what the service makes of it on the right, recent contacts below.

import { learnQuestions, showAnswers, showTriage } from "./answer.js";
import { byId, languageName, percent } from "./elements.js";
import { LiveNotes } from "./live.js";
import { moveInQueue, showContacts } from "./queue.js";
import { acknowledgeNext, showSafety } from "./safety.js";
import * as service from "./service.js";

const REFRESH_MS = 15_000;
const SEARCH_PAUSE_MS = 250;

let note = blankNote();
let opened = null; // a contact from the table; null while the note is shown
let contacts = [];
let searchTimer = null;
let searches = 0;

// crypto.randomUUID is missing where the page comes over plain HTTP from another machine.
function blankNote() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { id: `note-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`, title: "This note", text: "", triage: null };
}

const notes = new LiveNotes({
  send: service.triage,
  working: () => say("Reading…"),
  answered(request, triage) {
    say("Up to date");
    refresh();
    if (request.id !== note.id || !byId("note").value.trim()) return;
    note = { ...note, text: request.text, triage };
    speak(summary(triage));
    draw();
  },
  failed(error, request) {
    const refused = error instanceof service.Refused;
    say(refused ? `Refused: ${error.message}` : "No connection; the note is kept here and sent again", true);
    if (refused && request.id === note.id) note = { ...note, triage: null };
    draw();
  },
});

function say(text, isTrouble = false) {
  if (isTrouble) speak(text);
  byId("state").textContent = text;
  byId("state").classList.toggle("trouble", isTrouble);
}

/** Let a screen reader say it, politely, once. */
function speak(text) {
  if (byId("spoken").textContent !== text) byId("spoken").textContent = text;
}

function summary({ service_types: [best], urgency, language, answers, missing }) {
  const type = best ? `${best.name}, ${percent(best.probability)}. ` : "";
  return `${type}Urgency ${urgency.level}. ${languageName(language.code)}. ${answers.length} answers, ${missing.length} questions open.`;
}

function draw() {
  const shown = opened ?? note;
  byId("shown-title").textContent = opened ? opened.title : "Suggestions for this note";
  byId("back").hidden = !opened;
  Object.assign(byId("note"), note.triage ? { lang: note.triage.language.code } : { lang: "" });
  showTriage(shown, copy);
  if (!byId("search").value.trim()) showOwnAnswers(shown.triage);
  showSafety(opened && opened.id !== note.id ? [note, opened] : [note]);
  showContacts(contacts, opened?.id ?? null, open);
}

function showOwnAnswers(triage) {
  if (triage) showAnswers(opened ? "For this contact" : "For this note", triage.answer_status, triage.answers);
  else showAnswers("", "", []);
}

function write() {
  const text = byId("note").value;
  if (!text.trim()) note = { ...note, text: "", triage: null };
  notes.write({ id: note.id, text, channel: byId("channel").value });
  if (opened || !text.trim()) showNote();
}

function startNote() {
  notes.flush();
  note = blankNote();
  byId("note").value = "";
  say("Ready");
  showNote();
}

function showNote() {
  opened = null;
  draw();
  byId("note").focus();
}

function open(contact) {
  const { message_id: id, channel, created_at, subject, text, triage } = contact;
  const time = new Date(created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  opened = { id, subject, text, triage, title: `Contact by ${channel}, ${time}` };
  byId("search").value = "";
  draw();
  byId("answer").scrollTop = 0;
  if (byId("answer").getBoundingClientRect().top < 0) byId("answer").scrollIntoView();
  if (triage) speak(summary(triage));
}

/** Return what is shown with its newest stored answer, such as one whose translation has come. */
function renewed(shown) {
  const stored = contacts.find((contact) => contact.message_id === shown.id);
  return stored?.triage && stored.text === shown.text ? { ...shown, triage: stored.triage } : shown;
}

async function refresh() {
  try {
    contacts = await service.recentContacts();
    byId("queue-state").textContent = `${contacts.length}, gravest first, then oldest`;
    note = renewed(note);
    opened = opened && renewed(opened);
    draw();
  } catch {
    byId("queue-state").textContent = "Not up to date: no connection";
  }
}

/** Search after a pause; an answer that a newer search has overtaken is dropped. */
function search() {
  clearTimeout(searchTimer);
  const question = byId("search").value.trim();
  const number = ++searches;
  if (!question) return showOwnAnswers((opened ?? note).triage);
  searchTimer = setTimeout(async () => {
    const result = await service.searchKnowledge(question).catch((error) => error);
    if (number !== searches) return;
    if (result instanceof Error) return showAnswers(`Search failed: ${result.message}`, "", []);
    showAnswers(`For “${question}”`, result.status, result.answers);
    speak(`${result.answers.length} answers for ${question}`);
  }, SEARCH_PAUSE_MS);
}

async function copy(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyBySelection(text);
  say(`Copied ${text}`);
  speak(`Copied ${text}`);
}

// The clipboard's own interface is missing over plain HTTP, as crypto.randomUUID is.
function copyBySelection(text) {
  const focused = document.activeElement;
  const field = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text, className: "unseen" }));
  field.select();
  document.execCommand("copy");
  field.remove();
  focused?.focus();
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function nameOtherTheme() {
  byId("theme").textContent = theme() === "dark" ? "Light" : "Dark";
}

function switchTheme() {
  const chosen = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
  nameOtherTheme();
}

function leave() {
  const wasInNote = document.activeElement === byId("note") && !opened;
  if (byId("search").value) byId("search").value = "";
  search();
  if (wasInNote) byId("shown-title").focus();
  else showNote();
}

function press(event) {
  if (byId("keys").open || event.ctrlKey || event.metaKey) return;
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1];
  const typing = event.target.matches("input, textarea, select");
  const single = !typing && !event.altKey && byId("single-keys").checked;
  const action = {
    Escape: leave,
    F2: acknowledgeNext,
    ArrowDown: () => moveInQueue(1),
    ArrowUp: () => moveInQueue(-1),
    "/": single && (() => byId("search").focus()),
    "?": single && (() => byId("keys").showModal()),
  }[event.key] || (digit && (single || event.altKey) && (() => byId("types").children[digit - 1]?.querySelector("button")?.click()));
  if (!action || (event.key.startsWith("Arrow") && !event.target.dataset.contact)) return;
  event.preventDefault();
  action();
}

byId("note").addEventListener("input", write);
byId("channel").addEventListener("change", write);
byId("new-note").addEventListener("click", startNote);
byId("back").addEventListener("click", showNote);
byId("search").addEventListener("input", search);
byId("theme").addEventListener("click", switchTheme);
byId("show-keys").addEventListener("click", () => byId("keys").showModal());
byId("single-keys").checked = localStorage.getItem("single-keys") !== "off";
byId("single-keys").addEventListener("change", (event) => localStorage.setItem("single-keys", event.target.checked ? "on" : "off"));
document.addEventListener("keydown", press);
dark.addEventListener("change", nameOtherTheme);
nameOtherTheme();
service.serviceTypes().then(learnQuestions, () => speak("Questions are shown by their names only: no connection"));
refresh();
setInterval(() => document.hidden || refresh(), REFRESH_MS);
