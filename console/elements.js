// Builds elements. Text goes in as text nodes only, so that nothing a resident wrote is ever read as HTML.

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const names = new Intl.DisplayNames(["en"], { type: "language" });

const drawn = new Map();

/** Tell whether the part of the page shows something else now; what is unchanged is not drawn, nor spoken, again. */
export function changed(part, value) {
  const drawing = JSON.stringify(value);
  if (drawn.get(part) === drawing) return false;
  drawn.set(part, drawing);
  return true;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Return an element; attributes that are null or false are left out, and so are such children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function button(attributes, onClick, ...children) {
  const made = el("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", onClick);
  return made;
}

/** Return a probability in [0, 1] as people read it; 0 % and 100 % stand for exactly that. */
export function percent(probability) {
  if (probability > 0 && probability < 0.01) return "< 1 %";
  if (probability < 1 && probability > 0.99) return "> 99 %";
  return `${Math.round(probability * 100)} %`;
}

export function plain(code) {
  return code.replace(/[_.]/g, " ");
}

export function languageName(code) {
  return code === "und" ? "not told" : names.of(code);
}

/** Return `lang` and `dir` for a text in the language; where it is not known, its first letters tell the direction. */
export function tongue(code) {
  if (!code || code === "und") return { lang: "", dir: "auto" };
  return { lang: code, dir: RIGHT_TO_LEFT.has(code.split("-")[0]) ? "rtl" : "ltr" };
}
