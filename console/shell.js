// What every page has: the bar with its ways to the other pages, the strips that say what is wrong, the line that
// speaks to a screen reader, the theme, and the keys that work everywhere.

import { button, byId, el, key, link } from "./elements.js";
import { addKeys, showKeys } from "./keys.js";
import { ask, connection, look, lookForSession } from "./service.js";

const PAGES = [
  { page: "live", href: "/console/", name: "Live note", key: "l" },
  { page: "queue", href: "/console/queue", name: "Queue", key: "q" },
  { page: "knowledge", href: "/console/knowledge", name: "Knowledge", key: "k" },
  { page: "supervisor", href: "/console/supervisor", name: "Supervisor", key: "v", right: "reports" },
  { page: "practice", href: "/console/practice", name: "Practice", key: "p" },
];
const PARENT = { contact: "queue" };
const TOAST_MS = 12_000;

const status = el("p", { class: "state" });
const spoken = el("p", { class: "unseen", role: "status" });
const strips = el("div", { class: "strips", role: "status" });
const toasts = el("div", { class: "toasts" });
const dark = matchMedia("(prefers-color-scheme: dark)");
let whoami = JSON.parse(sessionStorage.getItem("me") ?? "null") ?? { name: "", rights: [] };

/** Draw the shell and return who is signed in. */
export async function startShell() {
  byId("top").after(strips);
  document.body.append(spoken, toasts);
  drawTop();
  watchConnection();
  addKeys("Everywhere", [
    ...PAGES.slice(0, 3).map((each) => ({ keys: [each.key], shown: each.key.toUpperCase(), does: each.name, run: () => location.assign(each.href) })),
    { keys: ["?"], does: "This list", run: showKeys },
  ]);
  const me = await ask("/v1/me").catch(() => null);
  if (me) learnMe(me);
  return whoami;
}

/** Learn who is signed in; what a page shows of one person is not for the next, who gets it anew. */
function learnMe(me) {
  const known = JSON.stringify(me);
  const isAnother = Boolean(whoami.name) && whoami.name !== me.name;
  whoami = me;
  if (sessionStorage.getItem("me") === known) return;
  sessionStorage.setItem("me", known);
  if (isAnother) location.reload();
  else drawTop();
}

export function me() {
  return whoami;
}

/** Say whether whoever is signed in holds a right, such as `reports`. */
export function may(right) {
  return whoami.rights.includes(right);
}

function drawTop() {
  const here = PARENT[document.body.dataset.page] ?? document.body.dataset.page;
  const open = PAGES.filter((each) => !each.right || may(each.right) || each.page === here);
  byId("top").replaceChildren(
    link("#main", { class: "skip" }, "To the content"),
    el("strong", { class: "brand" }, "Triage 311"),
    el("nav", { "aria-label": "Pages" }, open.map((each) => link(each.href, { "aria-current": each.page === here && "page" }, each.name))),
    status,
    el("span", { class: "me" }, whoami.name),
    button({ class: "flat", id: "theme" }, switchTheme, themeName()),
    button({ class: "flat", id: "show-keys" }, showKeys, "Keys ", key("?")));
}

/** Show a state in the bar and let a screen reader say it; `trouble` makes it stand out. */
export function say(text, { trouble = false } = {}) {
  status.textContent = text;
  status.classList.toggle("trouble", trouble);
  if (trouble) speak(text);
}

/** Let a screen reader say it, politely, once. */
export function speak(text) {
  if (spoken.textContent !== text) spoken.textContent = text;
}

/** Show a line for a while, with links or buttons; it is said politely too. */
export function toast(text, ...nodes) {
  const made = el("div", { class: "toast" }, el("span", {}, text), ...nodes, button({ class: "flat", "aria-label": "Dismiss" }, () => made.remove(), "×"));
  toasts.replaceChildren(made);
  speak(text);
  setTimeout(() => made.remove(), TOAST_MS);
}

function strip(name, ...nodes) {
  takeOff(name);
  strips.append(el("div", { class: "strip", "data-strip": name }, ...nodes));
}

function takeOff(name) {
  strips.querySelector(`[data-strip="${name}"]`)?.remove();
}

function watchConnection() {
  const page = encodeURIComponent(location.pathname + location.search);
  connection.addEventListener("lost", () => strip("lost", el("b", {}, "No connection to the service."),
    " What you typed is kept on this page; it is tried again by itself. ", button({}, look, "Try now")));
  connection.addEventListener("back", () => {
    takeOff("lost");
    say("Connected again");
  });
  connection.addEventListener("signed-out", () => strip("signed-out", el("b", {}, "Your session has ended."),
    " What you typed is kept on this page. ", link(`/auth/login?next=${page}`, { target: "_blank" }, "Sign in in a new tab"),
    ", then come back here. ", button({}, lookForSession, "I am signed in")));
  connection.addEventListener("signed-in", ({ detail: me }) => {
    learnMe(me);
    takeOff("signed-out");
    say("Signed in again");
  });
}

function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function themeName() {
  return theme() === "dark" ? "Light" : "Dark";
}

function switchTheme() {
  const chosen = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
  byId("theme").textContent = themeName();
}

dark.addEventListener("change", () => (byId("theme").textContent = themeName()));
