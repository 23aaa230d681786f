// The queue: what waits, what is mine, what auto mode did, what is closed; kept up to date by server-sent events.

import { byId, el, fill, key, languageName, link } from "./elements.js";
import { addKeys, isTyping } from "./keys.js";
import { inOrder, newestFirst, Rows } from "./rows.js";
import { claim, release, undo } from "./saving.js";
import { ask, connection, contactPage } from "./service.js";
import { me, say, speak, startShell, toast } from "./shell.js";
import { follow } from "./updates.js";

const FIELDS = ["language", "department", "channel", "mode"];
const SEARCH_PAUSE_MS = 250;
const TICK_MS = 30_000;
const MOST_ROWS_ASKED = 100;
const SEARCHED = 2_000; // contacts that the service looks through for words
const VIEWS = {
  waiting: { name: "Waiting", asks: () => ({ status: "open" }), has: (row) => row.status === "open", order: inOrder, none: "Nothing waits. What comes in appears here by itself." },
  mine: { name: "Mine", asks: () => ({ status: "open", claimed_by: me().name }), has: (row) => row.status === "open" && row.claimed_by === me().name, order: inOrder, none: "You have claimed nothing: press C on a contact that waits." },
  auto: { name: "Auto mode", asks: () => ({ mode: "auto", order: "newest" }), has: (row) => row.mode === "auto", order: newestFirst, none: "Auto mode has decided nothing yet. A lead switches it on by type and language." },
  closed: { name: "Closed", asks: () => ({ status: "closed", order: "newest" }), has: (row) => row.status === "closed", order: newestFirst, none: "Nothing is closed yet." },
};

const chosen = Object.fromEntries(new URLSearchParams(location.search));
let view = VIEWS[chosen.view] ? chosen.view : "waiting";
let queue = { rows: new Map(), total: 0, counts: {} };
let loads = 0;
let loading = null; // the newest list that was asked for
let searchTimer = null;

const rows = new Rows(byId("rows"), { claim: take, release: giveBack, undo: undoAuto });

function filters() {
  return Object.fromEntries(Object.entries(chosen).filter(([name, value]) => value && (FIELDS.includes(name) || name === "q")));
}

/** Read the whole list, and draw it. */
function load() {
  loading = read();
  return loading;
}

/** Read the whole list; an answer that a newer request has overtaken is dropped. */
async function read() {
  const number = ++loads;
  if (view === "mine" && !me().name) return;
  try {
    const answer = await ask(`/v1/queue?${new URLSearchParams({ ...filters(), ...VIEWS[view].asks() })}`);
    if (number !== loads) return;
    queue = { ...answer, rows: new Map(answer.rows.map((row) => [row.message_id, row])) };
    drawFilters();
    settle();
  } catch (error) {
    byId("queue-state").textContent = `Not up to date: ${error.message}`;
  }
}

/** Show the list as it stands, in order. */
function settle() {
  const ordered = VIEWS[view].order([...queue.rows.values()]);
  byId("fresh").hidden = true;
  byId("none").hidden = ordered.length > 0;
  byId("none").textContent = Object.keys(filters()).length ? ["Nothing matches these filters.", notAll()].filter(Boolean).join(" ") : VIEWS[view].none;
  sessionStorage.setItem("queue", JSON.stringify(ordered.map((row) => row.message_id)));
  drawState(ordered);
  return rows.show(ordered, { withUndo: view === "auto" });
}

/** Return what to tell where words were not looked for in every contact; nothing where they were. */
function notAll() {
  const first = VIEWS[view].asks().order === "newest" ? "newest" : "gravest";
  return queue.searched_all === false && `Only the ${first} ${SEARCHED.toLocaleString("en")} contacts were looked through.`;
}

function drawState(ordered) {
  const late = ordered.filter((row) => row.status === "open" && row.due_at && Date.parse(row.due_at) < Date.now()).length;
  const grave = ordered.filter((row) => row.status === "open" && row.urgency === "emergency").length;
  const number = ordered.length < queue.total ? `${ordered.length} of ${queue.total}` : String(ordered.length);
  const unit = ordered.length === 1 ? "contact" : "contacts";
  byId("queue-state").textContent = [`${number} ${unit}`, grave && `${grave} emergency`, late && `${late} late`, notAll()].filter(Boolean).join(" · ");
}

/** Take up what has changed. Lines change where they stand; the order only changes while nobody works in the list. */
async function changed(events) {
  const ids = [...new Set(events.map((event) => event.id).filter(Boolean))];
  if (!ids.length) return;
  if (ids.length > MOST_ROWS_ASKED) return load();
  await loading; // a list that was asked for before may lack what has come since
  const news = await ask(`/v1/queue/rows?${new URLSearchParams(ids.map((id) => ["id", id]))}`).catch(() => null);
  if (!news) return load();
  const before = queue.rows.size;
  for (const row of news) {
    if (belongs(row)) queue.rows.set(row.message_id, row);
    else queue.rows.delete(row.message_id);
  }
  queue.total += queue.rows.size - before;
  if (!isBusy()) return settle();
  const standing = [...byId("rows").children].map((line) => queue.rows.get(line.dataset.contact)).filter(Boolean);
  await rows.show(standing, { withUndo: view === "auto" });
  offerFresh(queue.rows.size - standing.length);
}

function belongs(row) {
  const wanted = filters();
  return VIEWS[view].has(row) && FIELDS.every((field) => !wanted[field] || row[field] === wanted[field]) && !(wanted.q && !queue.rows.has(row.message_id));
}

function isBusy() {
  return byId("rows").contains(document.activeElement) || byId("rows").matches(":hover");
}

function offerFresh(number) {
  const has = number > 0;
  byId("fresh").hidden = !has;
  if (!has) return;
  fill("fresh", `${number} new `, key("R"));
  speak(`${number} new contacts; R shows them`);
}

function drawViews() {
  fill("views", Object.entries(VIEWS).map(([name, { name: shown }], i) =>
    link(`/console/queue?view=${name}`, { "aria-current": name === view && "true", "data-view": name }, shown, " ", key(String(i + 1)))));
}

function drawFilters() {
  for (const field of FIELDS) {
    const select = byId("filters").elements[field];
    const counts = { ...(chosen[field] ? { [chosen[field]]: 0 } : {}), ...queue.counts[field] };
    const named = (value) => (field === "language" ? languageName(value) : value);
    const drawing = JSON.stringify(counts);
    if (select.dataset.drawn !== drawing) {
      fill(select, el("option", { value: "" }, "All"), Object.entries(counts).map(([value, count]) => el("option", { value }, `${named(value)} (${count})`)));
      select.dataset.drawn = drawing;
    }
    select.value = chosen[field] ?? "";
    select.classList.toggle("on", Boolean(chosen[field]));
  }
  byId("clear").hidden = !Object.keys(filters()).length;
}

/** Change what is shown; the address keeps it, so that it survives a reload and can be sent to a colleague. */
function choose(name, value) {
  chosen[name] = value;
  if (name === "view") view = value;
  history.replaceState(null, "", `?${new URLSearchParams({ view, ...filters() })}`);
  drawViews();
  load();
}

async function take(row) {
  if (await attempt(() => claim(row.message_id))) location.assign(contactPage(row.message_id));
}

async function giveBack(row) {
  if (await attempt(() => release(row.message_id))) say("Released");
}

async function undoAuto(row) {
  const done = await attempt(() => undo(row, "auto mode's decision was undone in the queue"));
  if (done) toast("Undone: an agent is asked.", link(contactPage(row.message_id), {}, "Open the contact"));
}

async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    say(error.message, { trouble: true });
    return false;
  }
}

const onRow = () => !isTyping() && rows.focused() !== null;
addKeys("Queue", [
  { keys: ["ArrowDown", "j"], shown: "↓ or J", does: "Next contact", run: () => rows.move(1), when: () => !isTyping(), repeats: true },
  { keys: ["ArrowUp", "i"], shown: "↑ or I", does: "Contact before", run: () => rows.move(-1), when: () => !isTyping(), repeats: true },
  { keys: ["Enter"], does: "Open the contact", run: () => location.assign(contactPage(rows.focused().message_id)), when: () => document.activeElement?.matches("[data-contact] a") },
  { keys: ["c"], shown: "C", does: "Claim and open it, or release it", run: () => (rows.focused().claimed_by === me().name ? giveBack : take)(rows.focused()), when: onRow },
  { keys: ["z"], shown: "Z", does: "Undo what auto mode did", run: () => undoAuto(rows.focused()), when: () => onRow() && view === "auto" },
  { keys: ["1", "2", "3", "4"], shown: "1 – 4", does: "Waiting, mine, auto mode, closed", run: (name) => choose("view", Object.keys(VIEWS)[name - 1]) },
  { keys: ["/"], does: "Words to look for", run: () => byId("filters").elements.q.focus() },
  { keys: ["r"], shown: "R", does: "Show what is new", run: settle },
  { keys: ["Escape"], shown: "Esc", does: "From a filter to the list", run: () => rows.move(0) },
]);

/** Draw the times anew, and look whether those who have claimed something still do: nobody is told of a claim that ends. */
function tick() {
  rows.tick();
  changed([...queue.rows.values()].filter((row) => row.claimed_by).map((row) => ({ id: row.message_id })));
}

async function start() {
  drawViews();
  byId("views").addEventListener("click", (event) => {
    const name = event.target.closest("[data-view]")?.dataset.view;
    if (!name || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose("view", name);
  });
  for (const field of FIELDS) byId("filters").elements[field].addEventListener("change", (event) => choose(field, event.target.value));
  const words = byId("filters").elements.q;
  words.value = chosen.q ?? "";
  words.addEventListener("input", () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => choose("q", words.value.trim()), SEARCH_PAUSE_MS);
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => {
    for (const name of [...FIELDS, "q"]) delete chosen[name];
    words.value = "";
    choose("q", "");
  });
  byId("fresh").addEventListener("click", settle);
  for (const event of ["back", "signed-in"]) connection.addEventListener(event, load);
  setInterval(() => document.hidden || tick(), TICK_MS);
  const ready = startShell();
  if (!me().name) await ready;
  await load();
  follow({ changed, reset: load });
  performance.mark("usable");
}

start();
