// Sees to the claim on the contact that is open: nobody is told of a claim that ends by itself.

import { claim } from "./saving.js";

const RENEWED_WITH_MS_LEFT = 10 * 60_000;

export class ClaimWatch {
  #isUsed = false;

  constructor(id) {
    this.id = id;
    for (const event of ["keydown", "pointerdown"]) addEventListener(event, () => (this.#isUsed = true));
  }

  /** Renew one's own claim while somebody uses the page; `reload()` is called where it is renewed or has ended. */
  tick(held, { isMine, reload }) {
    if (!held) return;
    const leftMs = Date.parse(held.expires_at) - Date.now();
    if (isMine && this.#isUsed && leftMs < RENEWED_WITH_MS_LEFT) {
      this.#isUsed = false;
      claim(this.id).catch(() => {}).then(reload);
    } else if (leftMs < 0) reload();
  }
}
