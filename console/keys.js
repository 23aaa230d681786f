// One registry of keys. A single character works alone outside text fields and with Alt inside them, so that nobody
// has to leave the note; it can be switched off (WCAG 2.1.4). The `?` dialog lists whatever is registered.

import { button, el, key } from "./elements.js";

const groups = [];
let dialog = null;

/**
 * Add keys: `[{ keys, shown, does, run(key, event), when, repeats }]`; `when()` says whether they work now, and only what
 * `repeats` is done again while the key is held down.
 */
export function addKeys(title, bindings) {
  groups.push({ title, bindings });
}

export function singleKeysAreOn() {
  return localStorage.getItem("single-keys") !== "off";
}

/** Say whether what has the focus takes letters. */
export function isTyping(target = document.activeElement) {
  return Boolean(target?.matches?.("textarea, select, input:not([type=radio], [type=checkbox], [type=button])"));
}

/**
 * Return the key as bindings name it: the letter whatever the layout or Alt makes of it, digits also of the pad. With Alt
 * the pad is left alone: on Windows it types signs by their number.
 */
function nameOf(event) {
  if (event.altKey && event.code.startsWith("Numpad")) return event.code;
  if (/^\d$/.test(event.key)) return event.key;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit && !event.shiftKey) return digit;
  if (event.key.length > 1) return event.key;
  return /^[\x21-\x7e]$/.test(event.key) ? event.key.toLowerCase() : (/^Key(.)$/.exec(event.code)?.[1] ?? event.key).toLowerCase();
}

function pressed(event) {
  if (event.getModifierState("AltGraph") || event.metaKey) return null;
  const name = nameOf(event);
  if (event.ctrlKey) return event.shiftKey ? `Ctrl+Shift+${name}` : `Ctrl+${name}`;
  if (name.length > 1) return event.altKey ? null : name;
  if (event.altKey) return name;
  return isTyping(event.target) || !singleKeysAreOn() ? null : name;
}

function press(event) {
  if (event.repeat && event.key === "Enter" && event.target.matches("button")) return event.preventDefault();
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  const name = pressed(event);
  if (name === null) return;
  const bindings = groups.flatMap((group) => group.bindings);
  const found = bindings.find((binding) => binding.keys.includes(name) && (binding.when?.(event) ?? true));
  if (!found) return;
  event.preventDefault();
  if (!event.repeat || found.repeats) found.run(name, event);
}

/** Show every key that works on this page. */
export function showKeys() {
  dialog?.remove();
  dialog = el("dialog", { "aria-labelledby": "keys-title", class: "keys" },
    el("div", { class: "head" }, el("h2", { id: "keys-title" }, "Keys"), button({}, () => dialog.close(), "Close ", key("Esc"))),
    el("p", { class: "quiet" }, "In a text field hold ", key("Alt"), " with a letter, digit or sign; anywhere else the key alone will do."),
    el("div", { class: "key-groups" }, groups.map(group)),
    settings());
  document.body.append(dialog);
  dialog.showModal();
}

function group({ title, bindings }) {
  const rows = bindings.flatMap(({ shown, keys, does }) => [
    el("dt", {}, (shown ?? keys[0]).split(" ").map((part) => (/^[–+]$/.test(part) ? ` ${part} ` : key(part)))), el("dd", {}, does)]);
  return el("section", {}, el("h3", {}, title), el("dl", { class: "pairs" }, rows));
}

function settings() {
  return el("div", { class: "stack" },
    setting("single-keys", "Keys work alone outside text fields (off: always with Alt)"),
    setting("sound", "Sound a tone when life may be in danger"));
}

function setting(name, label) {
  const box = el("input", { type: "checkbox", id: `set-${name}`, checked: localStorage.getItem(name) !== "off" });
  box.addEventListener("change", () => localStorage.setItem(name, box.checked ? "on" : "off"));
  return el("label", { class: "check" }, box, ` ${label}`);
}

addEventListener("keydown", press);
