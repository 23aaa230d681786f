// What the policy does by itself, how precise that was measured, and the switch, which asks for a reason.

import { behind, table } from "./charts.js";
import { button, el, percent, time } from "./elements.js";
import { ask } from "./service.js";
import { may, say, toast } from "./shell.js";

const MOST_ROWS = 10;
const MODES = {
  off: "off: an agent decides, nothing is suggested",
  shadow: "shadow: it decides, nobody sees it",
  suggest: "suggest: an agent picks",
  preselect: "preselect: picked, an agent confirms",
  auto: "auto: routed without an agent",
};

/** Draw the cells of the policy with what was measured of each. */
export async function showPolicy(place, { days, typeName, languageName }) {
  const told = await ask(`/v1/policy?days=${days}`);
  const again = () => showPolicy(place, { days, typeName, languageName });
  const named = (cell) => [cell.service_type ? typeName(cell.service_type) : "Every type", cell.channel, cell.language && languageName(cell.language)].filter(Boolean).join(", ");
  place.replaceChildren(
    el("p", { class: "quiet" }, `Where nothing is set, the policy suggests. Auto mode is granted where people left enough suggestions as they were: at least ${percent(told.wanted_low)} by the lower end of the 95 % interval. It goes back to suggest by itself where agents change more than 10 %.`),
    ...shortAndLong(told.measures, [
      { title: "Messages", cell: named },
      { title: "Mode", cell: (cell) => [el("span", { class: `mode ${cell.mode}` }, cell.mode), cell.threshold !== null && el("span", { class: "quiet" }, ` from ${percent(cell.threshold)}`)] },
      { title: "Contacts", number: true, cell: (cell) => (cell.channel || cell.language ? "" : String(cell.contacts)) },
      { title: "By itself", number: true, cell: (cell) => (cell.coverage === null ? "–" : percent(cell.coverage)) },
      { title: "Decided", number: true, cell: (cell) => String(cell.decided) },
      { title: "Precision", number: true, cell: (cell) => (cell.precision === null ? "–" : percent(cell.precision)) },
      { title: "At least", number: true, cell: (cell) => el("span", { class: cell.precision_low >= told.wanted_low ? "enough" : null }, cell.precision_low === null ? "–" : percent(cell.precision_low)) },
      { title: "Switch", cell: (cell) => (may("models:write") ? button({ "aria-label": `Switch ${named(cell)}` }, () => open(cell, named(cell), told, again), "Switch") : "") },
    ]),
    may("models:write") && button({}, () => open({ service_type: "", channel: "", language: "", mode: "suggest", threshold: null, precision_low: null, decided: 0, overridden: 0 }, "Every type", told, again), "Set the mode of every type") || "",
    behind(`How it was set (${told.history.length})`, table("How modes were set", [
      { title: "When", cell: (cell) => time(cell.created_at) },
      { title: "Messages", cell: named },
      { title: "Mode", cell: (cell) => cell.mode },
      { title: "Reason", kind: "long", cell: (cell) => cell.reason },
      { title: "By", cell: (cell) => cell.set_by },
      { title: "Measured then", cell: (cell) => (cell.evidence.decided ? `${cell.evidence.decided - cell.evidence.overridden} of ${cell.evidence.decided} stood` : "–") },
    ], told.history, { empty: "Nothing was ever set." })));
}

/** Return the table of what is set and of the most frequent types, and behind it that of every type. */
function shortAndLong(measures, cols) {
  const first = measures.filter((cell, place) => place < MOST_ROWS || cell.mode !== "suggest" || cell.channel || cell.language || !cell.service_type);
  const short = table("What the policy does, most frequent types", cols, first);
  return first.length === measures.length ? [short] : [short, behind(`All ${measures.length} types`, table("What the policy does, every type", cols, measures))];
}

function open(cell, name, told, again) {
  const dialog = el("dialog", { "aria-labelledby": "switch-title", class: "switch" });
  const modes = Object.entries(MODES).map(([mode, words]) => el("label", { class: "check" }, el("input", { type: "radio", name: "mode", value: mode, checked: mode === cell.mode }), ` ${words}`));
  const threshold = el("input", { type: "number", min: 0, max: 100, step: 1, value: cell.threshold === null ? "" : Math.round(100 * cell.threshold) });
  const reason = el("input", { required: true, maxlength: 300 });
  const alert = el("p", { class: "warning", role: "status" });
  const measured = cell.decided ? `${cell.decided - cell.overridden} of ${cell.decided} suggestions stood: ${percent(cell.precision)}, at least ${percent(cell.precision_low)}; auto needs at least ${percent(told.wanted_low)}.` : "Nobody has decided on a suggestion here yet, so auto cannot be granted.";
  const form = el("form", { class: "stack" }, el("h2", { id: "switch-title" }, name), el("p", { class: "quiet" }, measured),
    el("fieldset", { class: "stack" }, el("legend", {}, "Mode"), ...modes),
    el("label", { class: "field" }, "Only from a probability of … % (empty: the policy's own)", threshold),
    el("label", { class: "field" }, "Reason, for the record", reason),
    el("p", { class: "row" }, el("button", { class: "primary" }, "Switch"), button({}, () => dialog.close(), "Cancel")), alert);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { service_type: cell.service_type, mode: new FormData(form).get("mode"), reason: reason.value };
    if (cell.channel) body.channel = cell.channel;
    if (cell.language) body.language = cell.language;
    if (threshold.value) body.threshold = Number(threshold.value) / 100;
    try {
      await ask("/v1/policy/cells", { method: "PUT", body });
      dialog.close();
      toast(`${name}: ${body.mode}, within seconds`);
      await again().catch((error) => say(error.message, { trouble: true }));
    } catch (error) {
      alert.textContent = error.message;
    }
  });
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
