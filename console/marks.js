// Marks what was found inside a text. Offsets count code points, as the service's do, not UTF-16 units.

import { el, plain } from "./elements.js";

/** Return every placed finding of a triage as `{start, end, text, kind, title}`. */
function findings(triage) {
  return [
    ...triage.entities.map((entity) => ({ ...entity, kind: "entity", title: plain(entity.kind) })),
    ...triage.urgency.reasons.map((reason) => ({ ...reason, kind: "urgent", title: `urgency: ${plain(reason.rule)}` })),
    ...triage.safety.reasons.map((hit) => ({ ...hit, kind: "danger", title: `safety: ${plain(hit.rule)}` })),
    ...triage.also.map((also) => ({ ...also, kind: "also", title: `also ${also.code}` })),
  ].filter((found) => found.start !== null && found.end > found.start);
}

/** Return the text as nodes, each stretch marked with all that covers it. */
export function marked(text, triage) {
  const letters = Array.from(text);
  const part = (start, end) => letters.slice(start, end).join("");
  const found = findings(triage).filter((each) => each.text === undefined || part(each.start, each.end) === each.text);
  const edges = [...new Set([0, letters.length, ...found.flatMap((each) => [each.start, each.end])])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => {
    const covering = found.filter((each) => each.start <= edges[i] && each.end >= end);
    if (!covering.length) return part(edges[i], end);
    const kinds = [...new Set(covering.map((each) => each.kind))].join(" ");
    return el("mark", { class: kinds, title: covering.map((each) => each.title).join("; ") }, part(edges[i], end));
  });
}
