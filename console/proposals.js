// Changes that agents proposed, for those who edit articles: what differs, accept or refuse.

import { drawChanges } from "./changes.js";
import { button, el, link, time, tongue } from "./elements.js";
import { ask } from "./service.js";
import { say, toast } from "./shell.js";

/** Return what waits for review; `open(articleId)` shows an article, `done(articleId)` is told what was reviewed. */
export async function showProposals({ open, done }) {
  const waiting = await ask("/v1/kb/proposals");
  if (!waiting.length) return el("p", { class: "quiet" }, "Nothing waits for review.");
  return el("ul", { class: "proposals" }, waiting.map((one) => row(one, open, done)));
}

function row({ proposal, title, outdated, changes }, open, done) {
  const isEdit = proposal.kind === "edit";
  const to = link(`/console/knowledge?article=${encodeURIComponent(proposal.article_id)}`, {}, title);
  to.addEventListener("click", (event) => {
    event.preventDefault();
    open(proposal.article_id);
  });
  return el("li", { class: "proposal" },
    el("p", {}, el("span", { class: "tag" }, isEdit ? "Edit" : "Wording"), " ", to, el("span", { class: "quiet" }, ` ${proposal.proposed_by}, ${time(proposal.created_at)}`)),
    isEdit ? drawChanges(changes) : el("blockquote", tongue(proposal.language), proposal.text),
    outdated && el("p", { class: "warning" }, "The article has changed since: it can only be refused."),
    el("p", { class: "row" }, !outdated && button({ class: "primary" }, () => review(proposal, true, done), "Accept"), button({}, () => review(proposal, false, done), "Refuse")));
}

async function review(proposal, accepted, done) {
  try {
    const answer = await ask(`/v1/kb/proposals/${proposal.id}/review`, { method: "POST", body: { accepted } });
    toast(answer.detail ? `Accepted, not written: ${answer.detail}` : answer.written ? "Accepted and written into the article" : accepted ? "Accepted" : "Refused");
    done(proposal.article_id);
  } catch (error) {
    say(error.message, { trouble: true });
  }
}
