// Search as one types, articles beside it; without a question: notices, what waits for review, what is overdue.

import { Article } from "./article.js";
import { button, byId, el, key, percent, time, tongue } from "./elements.js";
import { addKeys } from "./keys.js";
import { notices, pinNotice } from "./notices.js";
import { showProposals } from "./proposals.js";
import { ask, connection } from "./service.js";
import { may, say, startShell } from "./shell.js";
import { follow } from "./updates.js";

const PAUSE_MS = 250;
const STATUS = { answer: "", possible: "Possible answers, none is sure", none: "No answer: whoever asks it is noted as a gap" };
const article = new Article(byId("article"), { changed: () => drawShelf() });
const search = byId("search");
const shown = { question: "", answers: [], asking: null };
let timer = null;

async function find({ typing }) {
  clearTimeout(timer);
  const question = search.value.trim();
  shown.asking?.abort();
  byId("shelf").hidden = Boolean(question);
  if (!question) return drawAnswers("", { status: "answer", answers: [] });
  shown.asking = new AbortController();
  const parameters = new URLSearchParams({ q: question, k: 8, typing });
  if (byId("audience").value) parameters.set("audience", byId("audience").value);
  try {
    drawAnswers(question, await ask(`/v1/kb/search?${parameters}`, { signal: shown.asking.signal }));
    remember({ q: question });
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, { trouble: true });
  }
}

/** Keep in the address what is shown, so that it can be sent to a colleague and come back to. */
function remember(changes, { push = false } = {}) {
  const url = new URL(location);
  for (const [name, value] of Object.entries(changes)) value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
  if (url.href !== location.href) history[push ? "pushState" : "replaceState"](null, "", url);
}

function drawAnswers(question, { status, answers }) {
  Object.assign(shown, { question, answers });
  byId("found").textContent = question && (answers.length ? STATUS[status] || `${answers.length} ${answers.length === 1 ? "answer" : "answers"}` : STATUS.none);
  byId("results").replaceChildren(...answers.map(result));
  if (!question) remember({ q: null });
}

function result(answer, place) {
  const isNotice = answer.article_id.startsWith("notice-");
  const title = [isNotice && el("span", { class: "tag loud" }, "Notice"), el("span", { ...tongue(answer.language) }, answer.title)];
  return el("li", { class: "result" },
    isNotice ? el("p", { class: "result-title" }, title)
      : button({ class: "result-title", "data-place": place }, () => openAnswer(place), el("span", { class: "grow" }, title), el("span", { class: "number quiet" }, percent(answer.probability))),
    el("p", { class: "quiet" }, isNotice ? `until ${time(answer.pinned_until)}` : answer.section || "Opening"),
    el("blockquote", tongue(answer.language), withMarks(answer.quote, shown.question)),
    answer.condition && el("p", { class: "warning" }, `Ask first: ${answer.condition}`),
    el("p", { class: "row quiet" },
      answer.audience === "internal" && el("span", { class: "tag loud" }, "Agents only"),
      !isNotice && el("span", {}, answer.reviewed_on ? `reviewed ${answer.reviewed_on}` : "never reviewed"),
      answer.contradicts.length > 0 && el("span", {}, "Instead of ", answer.contradicts.map((id) => [articleLink(id, id), " "]))));
}

/** Return the quote with the words of the question marked; a word counts where its first letters are the same. */
function withMarks(quote, question) {
  const stems = (question.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []).map((word) => word.slice(0, Math.max(4, word.length - 2)));
  return quote.split(/([\p{L}\p{N}]+)/u).map((part) => (stems.some((stem) => part.toLowerCase().startsWith(stem)) ? el("mark", {}, part) : part));
}

function articleLink(id, ...words) {
  const made = el("a", { href: `/console/knowledge?article=${encodeURIComponent(id)}` }, ...words);
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open({ article: id });
  });
  return made;
}

function openAnswer(place) {
  const answer = shown.answers[place];
  if (!answer || answer.article_id.startsWith("notice-")) return;
  open({ article: answer.article_id, section: answer.section, quote: answer.quote });
}

function open({ article: id, section, quote }) {
  remember({ article: id, section, quote }, { push: true });
  showAddressed();
}

async function showAddressed() {
  const { article: id, section, quote } = Object.fromEntries(new URLSearchParams(location.search));
  for (const each of byId("results").querySelectorAll("button.result-title")) {
    const answer = shown.answers[each.dataset.place];
    each.setAttribute("aria-current", String(answer.article_id === id && (!section || answer.section === section)));
  }
  const found = quote ? null : shown.answers.find((answer) => answer.article_id === id);
  if (id) await article.show(id, { section: section ?? found?.section, quote: quote ?? found?.quote, question: shown.question });
}

function drawRow(row) {
  return el("li", {}, articleLink(row.article_id, el("span", tongue(row.language), row.title)),
    el("span", { class: row.overdue ? "warning" : "quiet" }, row.overdue ? ` ${row.review_due ? `review was due ${row.review_due}` : "never reviewed"}` : ` ${time(row.changed_at)}, ${row.changed_by}`));
}

async function drawShelf() {
  try {
    const [pinned, late, newest] = await Promise.all([notices(), ask("/v1/kb/articles?overdue=true&limit=12"), ask("/v1/kb/articles?limit=8")]);
    const editing = may("kb:write") ? await showProposals({ open: (id) => open({ article: id }), done: reviewed }) : null;
    byId("shelf").replaceChildren(
      shelf("Notices that hold now", may("notices") && button({}, () => pinNotice({ done: drawShelf, about: article.id }), "Pin a notice ", key("N")), pinned),
      editing && shelf("Proposals to review", null, editing),
      shelf("Review overdue", null, late.length ? el("ul", { class: "lines" }, late.map(drawRow)) : el("p", { class: "quiet" }, "Every review is in time.")),
      shelf("Changed last", null, el("ul", { class: "lines" }, newest.map(drawRow))));
  } catch (error) {
    say(error.message, { trouble: true });
  }
}

function reviewed(id) {
  drawShelf();
  if (article.id === id) article.show(id);
}

function shelf(title, action, ...nodes) {
  return el("section", { class: "shelf-part" }, el("div", { class: "head" }, el("h2", {}, title), action), ...nodes);
}

function move(step) {
  const buttons = [...byId("results").querySelectorAll("button.result-title")];
  const at = buttons.indexOf(document.activeElement);
  (at + step < 0 ? search : buttons[Math.min(at + step, buttons.length - 1)])?.focus();
}

function focusSearch() {
  search.focus();
  search.select();
}

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => find({ typing: true }), PAUSE_MS);
});
byId("audience").addEventListener("change", () => find({ typing: true }));
byId("finder").addEventListener("submit", async (event) => {
  event.preventDefault();
  await find({ typing: false });
  openAnswer(shown.answers.findIndex((answer) => !answer.article_id.startsWith("notice-")));
});
addEventListener("popstate", showAddressed);
connection.addEventListener("back", drawShelf);

const isListed = () => document.activeElement === search || byId("results").contains(document.activeElement);
addKeys("Knowledge", [
  { keys: ["/"], does: "Search", run: focusSearch },
  { keys: ["Escape"], shown: "Esc", does: "Back to the search", when: () => document.activeElement !== search, run: focusSearch },
  { keys: ["ArrowDown", "ArrowUp"], shown: "↑ ↓", does: "Move in the answers", when: isListed, run: (name) => move(name === "ArrowDown" ? 1 : -1), repeats: true },
  { keys: ["a", "s", "d"], shown: "A S D", does: "Open the first, second, third answer", run: (name) => openAnswer("asd".indexOf(name)) },
  { keys: ["n"], does: "Pin a notice", when: () => may("notices"), run: () => pinNotice({ done: drawShelf, about: article.id }) },
  ...article.keys,
]);

await startShell();
const start = new URLSearchParams(location.search);
search.value = start.get("q") ?? "";
await Promise.all([drawShelf(), find({ typing: true })]);
await showAddressed();
if (!start.get("article")) search.focus();
follow({ changed: (events) => events.some((event) => event.kind === "notice") && drawShelf(), reset: drawShelf });
