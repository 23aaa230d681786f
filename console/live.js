// Sends a note each time its writer pauses. One request is under way at a time and the newest text goes next, so
// that neither the page nor the store ever sees an older text after a newer one.

import { Refused } from "./service.js";

const PAUSE_MS = 300;
const RETRY_MS = 3_000;
const LONGEST_RETRY_MS = 60_000;

export class LiveNotes {
  #waiting = new Map(); // by note id, oldest note first: the newest request of each
  #timer = null;
  #due = 0;
  #retryMs = RETRY_MS;
  #busy = false;

  /** `send(request)` promises a triage; `working()`, `answered(request, triage)` and `failed(error, request)` are told. */
  constructor({ send, working, answered, failed }) {
    Object.assign(this, { send, working, answered, failed });
  }

  /** Take the note's newest text; a blank one is not sent, nor is what waited before it. */
  write(request) {
    if (request.text.trim()) this.#waiting.set(request.id, request);
    else this.#waiting.delete(request.id);
    this.#dueIn(PAUSE_MS);
  }

  /** Send what waits without a pause: the writer is done with it. */
  flush() {
    this.#dueIn(0);
  }

  #dueIn(delayMs) {
    this.#due = performance.now() + delayMs;
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendNext(), Math.max(0, this.#due - performance.now()));
  }

  async #sendNext() {
    const request = this.#waiting.values().next().value;
    if (this.#busy || !request) return;
    this.#waiting.delete(request.id);
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
      this.answered(request, triage);
    } catch (error) {
      if (!(error instanceof Refused)) this.#tryAgain(request);
      this.failed(error, request);
    }
  }

  #tryAgain(request) {
    if (!this.#waiting.has(request.id)) this.#waiting.set(request.id, request);
    this.#due = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}
