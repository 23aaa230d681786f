// Notices that hold for a time: the list, and the form that pins one.

import { button, el, tongue, time } from "./elements.js";
import { ask, OnceKey, serviceTypes } from "./service.js";
import { may, say, toast } from "./shell.js";

const DAY_MS = 86_400_000;

/** Return the notices that hold now as a list. */
export async function notices() {
  const list = el("ul", { class: "notices" });
  const found = await ask("/v1/notices");
  if (!found.length) return el("p", { class: "quiet" }, "None.");
  list.append(...found.map((stored) => row(stored)));
  return list;
}

function row({ id, notice, pinned_by: by }) {
  const made = el("li", { class: "notice" },
    el("p", { class: "notice-title", ...tongue(notice.language ?? "en") }, notice.title),
    notice.text !== notice.title && el("p", tongue(notice.language ?? "en"), notice.text),
    el("p", { class: "row quiet" }, el("span", {}, `until ${time(notice.valid_until)}, by ${by}`),
      notice.district && el("span", {}, `district ${notice.district}`),
      may("notices") && button({ class: "flat", "aria-label": `Take down: ${notice.title}` }, () => takeDown(id, made), "Take down")));
  return made;
}

async function takeDown(id, shown) {
  try {
    await ask(`/v1/notices/${id}`, { method: "DELETE" });
    shown.remove();
    toast("Notice taken down");
  } catch (error) {
    say(error.message, { trouble: true });
  }
}

/** Open the form that pins a notice; `about` is the article that says otherwise meanwhile. */
export async function pinNotice({ done, about }) {
  const types = await serviceTypes().catch(() => []);
  const field = (label, input, hint) => el("label", { class: "field" }, label, input, hint && el("span", { class: "quiet" }, hint));
  const title = el("input", { required: true, maxlength: 300, dir: "auto" });
  const text = el("textarea", { required: true, maxlength: 4000, rows: 4, dir: "auto" });
  const until = el("input", { type: "datetime-local", required: true, value: local(Date.now() + DAY_MS), min: local(Date.now()) });
  const district = el("input", { maxlength: 200 });
  const type = el("select", {}, el("option", { value: "" }, "Any"), types.map((each) => el("option", { value: each.code }, each.name)));
  const words = el("input", { maxlength: 500 });
  const instead = el("input", { type: "checkbox" });
  const once = new OnceKey();
  const trouble = el("p", { class: "warning", role: "status" });
  const dialog = el("dialog", { class: "sheet", "aria-labelledby": "pin-title" });
  const form = el("form", { class: "stack" }, el("h2", { id: "pin-title" }, "Pin a notice"),
    field("Title", title, "What, where: “Boil water in district 3”"), field("What an agent reads out", text),
    el("div", { class: "grid-2" }, field("Until", until), field("District", district, "Empty: the whole city"), field("Service type", type), field("Words of questions", words, "Apart by commas")),
    about && el("label", { class: "check" }, instead, ` The open article (${about}) says otherwise meanwhile`),
    el("p", { class: "row" }, el("button", { class: "primary" }, "Pin"), button({}, () => dialog.close(), "Cancel")), trouble);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { title: title.value, text: text.value, valid_until: new Date(until.value).toISOString(), words: listed(words.value) };
    if (district.value.trim()) body.district = district.value.trim();
    if (type.value) body.service_types = [type.value];
    if (about && instead.checked) body.contradicts = [about];
    try {
      await ask("/v1/notices", { method: "POST", body, once: once.of(body) });
      dialog.close();
      toast("Notice pinned: agents see it from now on");
      done();
    } catch (error) {
      trouble.textContent = error.message;
    }
  });
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function listed(text) {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}

/** Return a moment as the field for date and time takes it, in the reader's zone. */
function local(ms) {
  const moment = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return moment.toISOString().slice(0, 16);
}
