// Talks to the service. What it refuses becomes a Refused with its own words; what does not arrive, an Unreachable.
// A request needs no token against forgery: the service reads where the browser says that it comes from.

const PATIENCE_MS = 10_000;
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 20_000;

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** The service read the request and will not take it, however often it is sent. */
export class Refused extends Error {
  constructor(status, { title = "Refused", detail } = {}) {
    super(sentence(detail || `the service answered ${status}`));
    Object.assign(this, { status, title });
  }
}

/** Nobody is signed in any more. */
export class SignedOut extends Refused {}

/** The service did not get the request, or cannot answer now; sent again later, it may. */
export class Unreachable extends Error {}

/** Tells `lost` and `back` of the connection, `signed-out` and `signed-in` of the session. */
export const connection = new EventTarget();
const state = { lost: false, signedOut: false, retryMs: RETRY_MS, timer: null };

/** Return a name that nobody else makes up; crypto.randomUUID is missing over plain HTTP from another machine. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Makes up the keys of a form's requests: pressed again with the same body, nothing is done twice. */
export class OnceKey {
  #body = null;
  #key = null;

  /** Return the key of a body: that of the request before, where it was the same. */
  of(body) {
    const written = JSON.stringify(body);
    if (written !== this.#body) [this.#body, this.#key] = [written, randomId()];
    return this.#key;
  }

  /** The request was answered: the same body would be a further one. */
  done() {
    this.#body = null;
  }
}

/** Return the service's answer.
 *
 * `body` is sent as JSON, `ifMatch` is the version that was seen, `once` makes the request safe to send again.
 */
export async function asked(path, { method = "GET", body, ifMatch, once, signal, patienceMs = PATIENCE_MS } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
  if (once !== undefined) headers["Idempotency-Key"] = once;
  const limit = AbortSignal.timeout(patienceMs);
  const request = { method, headers, body: body && JSON.stringify(body), signal: signal ? AbortSignal.any([signal, limit]) : limit };
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    lose();
    throw new Unreachable("No connection to the service.");
  }
  return checked(response);
}

/** Return the service's answer as a value; null where it has none. */
export async function ask(path, options) {
  const response = await asked(path, options);
  return response.status === 204 ? null : response.json();
}

async function checked(response) {
  if (![502, 503, 504].includes(response.status)) regain();
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) signOut();
  if (response.status === 401) throw new SignedOut(401, problem);
  if (response.status >= 500 || response.status === 429) {
    if (response.status !== 500 && response.status !== 429) lose();
    throw new Unreachable(sentence(problem.detail || `the service answered ${response.status}`));
  }
  throw new Refused(response.status, problem);
}

function tell(what, detail = null) {
  connection.dispatchEvent(new CustomEvent(what, { detail }));
}

/** Say that the connection is lost, and look for it until it is back. */
export function lose() {
  if (state.lost) return;
  state.lost = true;
  state.retryMs = RETRY_MS;
  tell("lost");
  state.timer = setTimeout(look, state.retryMs);
}

function regain() {
  if (!state.lost) return;
  state.lost = false;
  clearTimeout(state.timer);
  tell("back");
}

/** Look whether the service answers; `lost` ends when it does. */
export async function look() {
  clearTimeout(state.timer);
  try {
    const response = await fetch("/healthz", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return regain();
  } catch {
    // still lost: it is looked for again below
  }
  state.retryMs = Math.min(2 * state.retryMs, LONGEST_RETRY_MS);
  state.timer = setTimeout(look, state.retryMs);
}

function signOut() {
  if (state.signedOut) return;
  state.signedOut = true;
  tell("signed-out");
}

/** Look whether somebody is signed in again, in another tab say; `signed-in` tells who, in its `detail`. */
export async function lookForSession() {
  const response = await fetch("/v1/me", { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  const me = response?.ok && (await response.json().catch(() => null));
  if (!me || !state.signedOut) return;
  state.signedOut = false;
  tell("signed-in", me);
}

export function contactUrl(id) {
  return `/v1/contacts/${encodeURIComponent(id)}`;
}

export function contactPage(id) {
  return `/console/contact/${encodeURIComponent(id)}`;
}

/** Search as somebody types: such a question is neither counted nor a gap of the knowledge base. */
export function searchKnowledge(question, k = 3) {
  return ask(`/v1/kb/search?${new URLSearchParams({ q: question, k, typing: true })}`);
}

let taxonomy = null;

/** Return the city's service types; they are asked for once. */
export function serviceTypes() {
  taxonomy ??= ask("/v1/taxonomy").then((answer) => answer.service_types);
  taxonomy.catch(() => (taxonomy = null));
  return taxonomy;
}

addEventListener("offline", lose);
addEventListener("online", () => state.lost && look());
document.addEventListener("visibilitychange", () => !document.hidden && state.signedOut && lookForSession());
addEventListener("focus", () => state.signedOut && lookForSession());
