// What changed between two texts, word by word: what went is struck out, what came is underlined, and both are told.

import { el } from "./elements.js";

const KEPT_CHARS = 160;
const WORDS = { added: "added: ", removed: "removed: " };

/** Return the changes of `[{ kind, text }]`; long stretches that are the same are shortened. */
export function drawChanges(changes) {
  if (!changes.some((change) => change.kind !== "same")) return el("p", { class: "quiet" }, "Nothing differs.");
  return el("div", { class: "changes" }, changes.map((change, place) => {
    if (change.kind === "same") return shortened(change.text, place === 0, place === changes.length - 1);
    return el(change.kind === "added" ? "ins" : "del", {}, el("span", { class: "unseen" }, WORDS[change.kind]), change.text);
  }));
}

/** Return the text near the changes beside it; what lies farther away is left out, and so is the front matter. */
function shortened(text, isFirst, isLast) {
  if (text.length <= 2 * KEPT_CHARS + 20) return text;
  const before = isFirst ? "" : text.slice(0, KEPT_CHARS).replace(/\S*$/, "");
  const after = isLast ? "" : text.slice(-KEPT_CHARS).replace(/^\S*\s/, "").replace(/^[^]*\n---\n/, "");
  return [before, el("span", { class: "quiet" }, "[…] "), after];
}
