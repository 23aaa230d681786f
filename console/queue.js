// The table of recent contacts: gravest first, then whoever has waited longest.

import { button, byId, changed, el, tongue } from "./elements.js";

const LEVELS = ["emergency", "urgent", null, "high", "normal", "low", "info"]; // null: no answer yet, nobody knows

export function age(since, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} d`;
}

function levelOf(contact) {
  return contact.triage?.urgency.level ?? null;
}

export function inOrder(contacts) {
  const rank = (contact) => LEVELS.indexOf(levelOf(contact));
  return [...contacts].sort((a, b) => rank(a) - rank(b) || Date.parse(a.created_at) - Date.parse(b.created_at));
}

/** Draw the contacts; `open(contact)` is called when one is chosen, `openId` names the one that is shown. */
export function showContacts(contacts, openId, open) {
  const ordered = inOrder(contacts);
  if (!changed("contacts", [openId, ordered.map((each) => [each.message_id, each.text, levelOf(each), age(each.created_at)])])) return;
  const focused = document.activeElement?.dataset?.contact;
  byId("contacts").replaceChildren(...ordered.map((contact) => row(contact, contact.message_id === openId, open)));
  if (focused) byId("contacts").querySelector(`[data-contact="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function row(contact, isOpen, open) {
  const { triage } = contact;
  const level = levelOf(contact) ?? "unread";
  const name = triage?.service_types[0]?.name ?? "no answer yet";
  const opener = button({ "data-contact": contact.message_id, "aria-current": isOpen && "true", title: name }, () => open(contact), name);
  const made = el("tr", { class: isOpen ? "open" : null },
    el("td", {}, el("span", { class: `level ${level}` }, level)),
    el("td", { class: "c-age" }, age(contact.created_at)),
    el("td", { class: "c-channel" }, contact.channel),
    el("td", { class: "c-language" }, triage?.language.code ?? ""),
    el("td", {}, opener),
    el("td", { class: "c-text", ...tongue(triage?.language.code) }, [contact.subject, contact.text].filter(Boolean).join(" — ").slice(0, 200)));
  made.addEventListener("click", (event) => event.target === opener || open(contact));
  return made;
}

/** Move the focus by so many rows, if it is in the table. */
export function moveInQueue(steps) {
  const rows = [...byId("contacts").querySelectorAll("button")];
  const at = rows.indexOf(document.activeElement);
  if (at >= 0) rows[Math.min(rows.length - 1, Math.max(0, at + steps))].focus();
  return at >= 0;
}
