// Marks what was found inside a text. Offsets count code points, as the service's do, not UTF-16 units.

import { el, plain } from "./elements.js";

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const NUMBERS = /(\+?\(?\d[\d()+./:-]*\d)/; // split by it, every second part is a number

/** Return every placed finding of a triage as `{start, end, text, kind, title}`. */
function findings(triage) {
  return [
    ...triage.entities.map((entity) => ({ ...entity, kind: "entity", title: plain(entity.kind) })),
    ...triage.urgency.reasons.map((reason) => ({ ...reason, kind: "urgent", title: `urgency: ${plain(reason.rule)}` })),
    ...triage.safety.reasons.map((hit) => ({ ...hit, kind: "danger", title: `safety: ${plain(hit.rule)}` })),
    ...triage.also.map((also) => ({ ...also, kind: "also", title: `also ${also.code}` })),
  ].filter((found) => found.start !== null && found.end > found.start);
}

/** Return text as nodes in which a number with hyphens keeps its order among letters that are read from the right. */
function readable(text, fromRight) {
  if (!fromRight) return text;
  return text.split(NUMBERS).map((part, i) => (i % 2 ? el("bdi", { dir: "ltr" }, part) : part));
}

/** Return the text as nodes, each stretch marked with all that covers it. */
export function marked(text, triage) {
  const letters = Array.from(text);
  const fromRight = RIGHT_TO_LEFT.test(text);
  const part = (start, end) => letters.slice(start, end).join("");
  const found = findings(triage).filter((each) => each.text === undefined || part(each.start, each.end) === each.text);
  const edges = [...new Set([0, letters.length, ...found.flatMap((each) => [each.start, each.end])])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => {
    const covering = found.filter((each) => each.start <= edges[i] && each.end >= end);
    const shown = readable(part(edges[i], end), fromRight);
    if (!covering.length) return shown;
    const kinds = [...new Set(covering.map((each) => each.kind))].join(" ");
    return el("mark", { class: kinds, dir: fromRight && "auto", title: covering.map((each) => each.title).join("; ") }, shown);
  });
}
