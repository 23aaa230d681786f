// Saves what an agent made of a contact: the text, then the answer that was used, then the type and level, then its
// end; so undoing takes the type back first. Each step may be sent again without harm, so that a lost connection only means to press the key once more.

import { ask, contactUrl, randomId } from "./service.js";

/** Store a note as a contact, and return it as it stands; its translation comes later, told by an event. */
export function storeNote({ id, text, channel }) {
  return ask("/v1/contacts?translate=later", { method: "POST", body: { id, text, channel } });
}

/** Return the decisions that a choice makes, in order: `{ type, urgency, answer, close }`, each of them or null. */
export function stepsOf({ decision }, { type, urgency, answer, close }) {
  const steps = answer ? [{ action: "answer_used", article_id: answer.article_id, section: answer.section ?? "" }] : [];
  const level = urgency ? { urgency } : {};
  if (type && type.code !== decision?.service_type) steps.push({ action: "override", service_type: type.code, ...level });
  else if (type) steps.push({ action: "accept", ...level });
  else if (urgency) steps.push({ action: "override", urgency });
  if (close) steps.push({ action: "close" });
  return steps;
}

/** One choice on its way into the store; `run` goes on where it stopped before. */
export class Saving {
  #name = randomId();
  #done = 0;

  constructor(contact, choice) {
    this.contact = contact;
    this.version = contact.version;
    this.steps = stepsOf(contact, choice);
    this.stands = contact.decision;
  }

  /** End with closing the contact, or without it; what has been sent stays. */
  endWith(close) {
    const open = this.steps.filter(({ action }) => action !== "close");
    if (close !== (this.steps.length > open.length)) this.steps = close ? [...open, { action: "close" }] : open;
  }

  /** Send what is left, and return the decision that stands then; null where nothing was ever decided. */
  async run() {
    for (; this.#done < this.steps.length; this.#done++) {
      const path = `${contactUrl(this.contact.message_id)}/decisions`;
      const once = `${this.#name}-${this.#done}`;
      this.stands = await ask(path, { method: "POST", body: this.steps[this.#done], ifMatch: this.version, once });
      this.version = this.stands.version;
    }
    return this.stands;
  }
}

/** Saves one choice at a time; pressed again after a failure, it goes on where it stopped. */
export class Saver {
  #saving = null;

  /** Something else was chosen: what was on its way begins anew. */
  forget() {
    this.#saving = null;
  }

  /**
   * Send what `begin()` promises, a Saving or null, close the contact or not, and give it back.
   *
   * Returns the Saving once all of it is stored; null where `begin()` had nothing to send.
   */
  async save(begin, { close }) {
    const saving = (this.#saving ??= await begin());
    if (!saving) return null;
    saving.endWith(close);
    try {
      await saving.run();
    } catch (error) {
      if (error.status === 412) this.forget();
      throw error;
    }
    this.forget();
    await release(saving.contact.message_id).catch(() => {}); // it is stored; the claim ends by itself
    return saving;
  }
}

export function claim(id) {
  return ask(`${contactUrl(id)}/claim`, { method: "PUT" });
}

export function release(id, { force = false } = {}) {
  return ask(`${contactUrl(id)}/claim${force ? "?force=true" : ""}`, { method: "DELETE" });
}

export function undo(contact, note) {
  return ask(`${contactUrl(contact.message_id)}/decisions`, {
    method: "POST", body: { action: "undo", ...(note ? { note } : {}) }, ifMatch: contact.version, once: randomId() });
}
