// Builds elements. Text goes in as text nodes only, so that nothing a resident wrote is ever read as HTML.

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ps", "ur"]);
const UNTOLD = ["", "und", "none"]; // of a text in no known language, and of one that was not read yet
const MINUTE_MS = 60_000;
const names = new Intl.DisplayNames(["en"], { type: "language" });
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const drawn = new Map();

/** Tell whether the part of the page shows something else now; what is unchanged is not drawn, nor spoken, again. */
export function changed(part, value) {
  const drawing = JSON.stringify(value);
  if (drawn.get(part) === drawing) return false;
  drawn.set(part, drawing);
  return true;
}

export function byId(id) {
  return document.getElementById(id);
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

/** Return an element; attributes that are null or false are left out, and so are such children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (isShown(value)) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter(isShown));
  return element;
}

export function button(attributes, onClick, ...children) {
  const made = el("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", onClick);
  return made;
}

export function link(href, attributes, ...children) {
  return el("a", { href, ...attributes }, ...children);
}

export function key(name) {
  return el("kbd", {}, name);
}

/** Replace what an element holds; a control that had the focus hands it to the one in its place. */
export function fill(parentOrId, ...nodes) {
  const parent = typeof parentOrId === "string" ? byId(parentOrId) : parentOrId;
  const at = [...parent.querySelectorAll("button, a, input")].indexOf(document.activeElement);
  parent.replaceChildren(...nodes.flat(2).filter(isShown));
  if (at >= 0) parent.querySelectorAll("button, a, input")[at]?.focus({ preventScroll: true });
}

/** Return what comes next in an order in which what was there before, by `same(one, other)`, keeps its place. */
export function inTheirSlots(before, next, same) {
  const slots = before.map((old) => next.find((each) => same(each, old)) ?? null);
  const rest = next.filter((each) => !slots.includes(each));
  return Array.from({ length: Math.max(next.length, slots.length) }, (_, i) => slots[i] ?? rest.shift()).filter(Boolean);
}

/** Return a probability in [0, 1] as people read it; 0 % and 100 % stand for exactly that. */
export function percent(probability) {
  if (probability > 0 && probability < 0.01) return "< 1 %";
  if (probability < 1 && probability > 0.99) return "> 99 %";
  return `${Math.round(probability * 100)} %`;
}

export function plain(code) {
  return code.replace(/[_.]/g, " ");
}

export function languageName(code) {
  return UNTOLD.includes(code ?? "") ? "Not told" : names.of(code);
}

/** Return `lang` and `dir` for a text in the language; where it is not known, its first letters tell the direction. */
export function tongue(code) {
  if (!code || code === "und") return { lang: "", dir: "auto" };
  return { lang: code, dir: RIGHT_TO_LEFT.has(code.split("-")[0]) ? "rtl" : "ltr" };
}

function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} d`;
}

/** Return how long ago a moment was: `5 min`, `3 h`, `4 d`. */
export function age(since, now = Date.now()) {
  return span(Math.max(0, now - Date.parse(since)));
}

/** Return how long there is until a moment, and whether it has passed. */
export function timeLeft(until, now = Date.now()) {
  const ms = Date.parse(until) - now;
  return { late: ms < 0, text: ms < 0 ? `${span(ms)} late` : `${span(ms)} left` };
}

/** Return a moment as people write it: the hour where it is today, else the day too. */
export function time(moment) {
  const date = new Date(moment);
  return (date.toDateString() === new Date().toDateString() ? clock : day).format(date);
}

export function levelBadge(level) {
  return el("span", { class: `level ${level ?? "unread"}` }, level ?? "not read");
}

export function pairs(values) {
  return Object.entries(values).flatMap(([name, value]) => [el("dt", {}, plain(name)), el("dd", {}, value ?? "none")]);
}

export async function copyText(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyBySelection(text);
}

// The clipboard's own interface is missing over plain HTTP from another machine.
function copyBySelection(text) {
  const focused = document.activeElement;
  const field = document.body.appendChild(el("textarea", { class: "unseen" }));
  field.value = text;
  field.select();
  document.execCommand("copy");
  field.remove();
  focused?.focus();
}
