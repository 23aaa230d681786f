// Charts as inline SVG, drawn by DOM: each has its numbers in words for a screen reader and a table behind it.

import { el } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return columns of `[{ name, value }]` as high as `most` at most; `label` says in words what they show. */
export function columns(values, { label, most = Math.max(1, ...values.map(({ value }) => value)), tall = false }) {
  const step = 10;
  const bars = values.map(({ name, value }, place) => drawn("rect", {
    x: place * step + 1, width: step - 2, y: 100 - (100 * value) / most, height: (100 * value) / most, class: "column",
  }, drawn("title", {}, `${name}: ${value}`)));
  return drawn("svg", { viewBox: `0 0 ${values.length * step} 100`, preserveAspectRatio: "none", role: "img", "aria-label": label, class: tall ? "columns tall" : "columns" },
    drawn("rect", { x: 0, y: 99, width: values.length * step, height: 1, class: "ground" }), ...bars);
}

/** Return one bar whose parts `[{ value, kind }]` add up to at most `most`; it stands beside its number, so it is not read out. */
export function bar(parts, most) {
  let x = 0;
  const rects = parts.map(({ value, kind }) => {
    const rect = drawn("rect", { x, y: 0, width: most ? (100 * value) / most : 0, height: 10, class: kind });
    x += most ? (100 * value) / most : 0;
    return rect;
  });
  return drawn("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "hbar" }, drawn("rect", { x: 0, y: 0, width: 100, height: 10, class: "track" }), ...rects);
}

/** Return a table; columns are `[{ title, number, cell(row), heads, narrow }]`, and the first column heads its row. */
export function table(caption, cols, rows, { empty = "Nothing yet." } = {}) {
  if (!rows.length) return el("p", { class: "quiet" }, empty);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${caption}` },
    el("table", { class: "table figures" }, el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, cols.map(({ title, number, kind }) => el("th", { scope: "col", class: [number && "number", kind].filter(Boolean).join(" ") || null }, kind === "wide-cell" ? el("span", { class: "unseen" }, title) : title)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, cols.map(({ number, cell, kind }, place) =>
        el(place ? "td" : "th", { scope: place ? null : "row", class: [number && "number", kind].filter(Boolean).join(" ") || null }, ...[cell(row)].flat(2).filter((part) => part !== null && part !== false))))))));
}

/** Return what is behind a chart: its table, folded. */
export function behind(title, ...nodes) {
  return el("details", {}, el("summary", {}, title), ...nodes);
}
