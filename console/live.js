// Sends a note each time its writer pauses. One request is under way at a time and the newest text goes next, so
// that neither the page nor the store ever sees an older text after a newer one.

import { Refused, SignedOut } from "./service.js";

const PAUSE_MS = 300;
const RETRY_MS = 3_000;
const LONGEST_RETRY_MS = 60_000;

export class LiveNotes {
  #waiting = new Map(); // by note id, oldest note first: the newest request of each
  #timer = null;
  #due = 0;
  #retryMs = RETRY_MS;
  #busy = false;
  #signedOut = false;

  /**
   * `send(request)` promises a triage; `working()`, `answered(request, triage)` and `failed(error, request)` are told.
   * Under the name `keptAs`, if there is one, the tab keeps what has not arrived, also when the page is left.
   */
  constructor({ send, working, answered, failed, keptAs = null }) {
    Object.assign(this, { send, working, answered, failed, keptAs });
    for (const request of JSON.parse((keptAs && sessionStorage.getItem(keptAs)) ?? "[]")) this.#waiting.set(request.id, request);
  }

  /** Take the note's newest text; a blank one is not sent, nor is what waited before it. */
  write(request) {
    if (request.text.trim()) this.#waiting.set(request.id, request);
    else this.#waiting.delete(request.id);
    this.#keep();
    this.#dueIn(PAUSE_MS);
  }

  /** Send what waits without a pause: the writer is done with it, or somebody has signed in again. */
  flush() {
    this.#signedOut = false;
    this.#dueIn(0);
  }

  #keep() {
    if (this.keptAs) sessionStorage.setItem(this.keptAs, JSON.stringify([...this.#waiting.values()]));
  }

  #dueIn(delayMs) {
    this.#due = performance.now() + delayMs;
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (this.#signedOut) return; // flush() goes on
    this.#timer = setTimeout(() => this.#sendNext(), Math.max(0, this.#due - performance.now()));
  }

  async #sendNext() {
    const request = this.#waiting.values().next().value;
    if (this.#busy || !request) return;
    this.#busy = true;
    this.working();
    await this.#deliver(request);
    this.#busy = false;
    if (this.#waiting.size) this.#schedule();
  }

  async #deliver(request) {
    try {
      const triage = await this.send(request);
      this.#retryMs = RETRY_MS;
      this.#settle(request);
      this.answered(request, triage);
    } catch (error) {
      if (error instanceof SignedOut) this.#signedOut = true;
      else if (error instanceof Refused) this.#settle(request);
      else this.#tryAgain(request);
      this.failed(error, request);
    }
  }

  /** The service has read this text: it waits no longer, unless a newer one has taken its place. */
  #settle(request) {
    if (this.#waiting.get(request.id) === request) this.#waiting.delete(request.id);
    this.#keep();
  }

  /** Let the note's newest text go last, and later. */
  #tryAgain({ id }) {
    const newest = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (newest) this.#waiting.set(id, newest);
    this.#due = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}
