// Saves what an agent made of a contact: the text, then the answer that was used, then the type and level, then its
// end; so undoing takes the type back first. Each step may be sent again without harm, so that a lost connection only means to press the key once more.

import { ask, contactUrl, randomId } from "./service.js";

/** Store a note as a contact, and return it as it stands. */
export function storeNote({ id, text, channel }) {
  return ask("/v1/contacts", { method: "POST", body: { id, text, channel } });
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
  }

  /** Send what is left, and return the decision that stands then; null where there was nothing to decide. */
  async run() {
    let stands = null;
    for (; this.#done < this.steps.length; this.#done++) {
      const path = `${contactUrl(this.contact.message_id)}/decisions`;
      const once = `${this.#name}-${this.#done}`;
      stands = await ask(path, { method: "POST", body: this.steps[this.#done], ifMatch: this.version, once });
      this.version = stands.version;
    }
    return stands;
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
