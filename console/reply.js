// The reply: put together from the chosen answer and the city's fixed texts, copied, or sent where there is a way back.

import { button, byId, copyText, el, fill, languageName, plain, time, tongue } from "./elements.js";
import { ask, contactUrl, OnceKey, Refused } from "./service.js";
import { say, toast } from "./shell.js";

const STATES = { due: "on its way", sent: "sent", dead: "given up: see the outbox" };

/** The reply of one contact. */
export class Reply {
  #known = null;
  #articleId = null;
  #once = new OnceKey();
  #unsure = null; // the reply of which nobody knows whether it was sent: its answer was lost

  constructor(id) {
    this.id = id;
    this.text = byId("reply");
    this.text.addEventListener("input", () => this.#drawButtons());
    byId("copy-reply").addEventListener("click", () => this.copy());
    byId("send-reply").addEventListener("click", () => this.send());
  }

  async load() {
    this.#known = await ask(`${contactUrl(this.id)}/replies`);
    const { language, texts, channel_back } = this.#known;
    const own = texts[0]?.language ?? "en";
    byId("reply-language").textContent = `The resident's language: ${languageName(language)}`;
    Object.assign(this.text, { lang: own });
    fill("texts", texts.map((text) => button({ class: "chip", title: text.text }, () => this.add(text.text), plain(text.name))));
    const notes = [
      own.split("-")[0] !== language.split("-")[0] && language !== "und" && `There are no fixed texts in ${languageName(language)}: they are in ${languageName(own)}.`,
      texts.some((text) => !text.reviewed) && "The fixed texts are drafts that no speaker has reviewed yet.",
      channel_back ? `It is sent by ${channel_back}.` : "There is no way back by itself: copy it, or tell the resident.",
    ];
    byId("reply-note").textContent = notes.filter(Boolean).join(" ");
    byId("send-reply").hidden = !channel_back;
    this.#drawSent();
    this.#drawButtons();
  }

  #drawSent() {
    const { sent } = this.#known;
    fill("sent", sent.length > 0 && [el("h3", {}, "Replies"), el("ul", { class: "related" }, sent.map((each) => el("li", {},
      el("p", { class: "quiet" }, `${time(each.created_at)}, by ${each.by}, ${STATES[each.state]}`), el("p", { class: "said", ...tongue(each.language) }, each.text))))]);
  }

  #drawButtons() {
    for (const id of ["copy-reply", "send-reply"]) byId(id).disabled = !this.text.value.trim();
  }

  /** Put a text below what stands there. */
  add(text) {
    const before = this.text.value.trimEnd();
    this.text.value = before ? `${before}\n\n${text}` : text;
    this.#drawButtons();
  }

  /** Put the quote of an answer in, with where it is written; what is for agents alone stays out. */
  use(answer) {
    if (answer.audience === "internal") return say("This answer is for agents only: it is not put into the reply.", { trouble: true });
    this.#articleId = answer.article_id;
    const source = /^https?:/.test(answer.url ?? "") ? `\n${answer.url}` : "";
    if (!this.text.value.includes(answer.quote)) this.add(answer.quote + source);
  }

  async copy() {
    await copyText(this.text.value);
    say("Reply copied");
  }

  async send() {
    byId("send-reply").disabled = true;
    try {
      const body = { text: this.text.value, ...(this.#articleId ? { article_id: this.#articleId } : {}) };
      if (await this.#hasArrived(body)) return;
      this.#unsure = body;
      await ask(`${contactUrl(this.id)}/replies`, { method: "POST", body, once: this.#once.of(body) });
      this.#unsure = null;
      this.#once.done();
      this.text.value = "";
      toast("The reply is on its way.");
      await this.load();
    } catch (error) {
      if (error instanceof Refused && error.status !== 409) this.#unsure = null;
      say(`Not sent: ${error.message}`, { trouble: true });
    } finally {
      this.#drawButtons();
    }
  }

  /** Say whether another reply, whose answer was lost, is there after all: then its writer decides about this one. */
  async #hasArrived({ text, article_id }) {
    const before = this.#unsure;
    if (!before || (before.text === text && before.article_id === article_id)) return false;
    await this.load();
    this.#unsure = null;
    const hasArrived = this.#known.sent.some((each) => each.text === before.text);
    if (hasArrived) say("What you sent before has arrived: it stands below. Send again to send this as well.", { trouble: true });
    return hasArrived;
  }
}
