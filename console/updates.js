// Follows what changes in the service. A tab that nobody looks at lets the line go, since a browser has few of them,
// and is told what it missed when it is looked at again.

import { connection, lose } from "./service.js";

const KINDS = ["received", "triaged", "decided", "claimed", "released", "notice", "policy", "model"];
const GATHER_MS = 200;
const RETRY_MS = 5_000;

/** Call `changed(events)` with `[{ kind, id, detail }]` as things change, and `reset()` where all is to be read anew. */
export function follow({ changed, reset }) {
  let source = null;
  let last = null;
  let waiting = [];
  let timer = null;

  const take = (kind) => (event) => {
    last = event.lastEventId;
    const { message_id: id, detail } = JSON.parse(event.data);
    waiting.push({ kind, id, detail });
    timer ??= setTimeout(() => {
      timer = null;
      changed(waiting.splice(0));
    }, GATHER_MS);
  };

  function open() {
    source?.close();
    source = new EventSource(last === null ? "/v1/events" : `/v1/events?since=${last}`);
    source.addEventListener("open", () => last === null && reset());
    source.addEventListener("error", failed);
    for (const kind of KINDS) source.addEventListener(kind, take(kind));
  }

  function failed() {
    if (source.readyState !== EventSource.CLOSED) return lose();
    setTimeout(() => document.hidden || open(), RETRY_MS); // refused: the browser would not come back by itself
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : open()));
  connection.addEventListener("signed-in", open);
  connection.addEventListener("back", () => source?.readyState !== EventSource.OPEN && open());
  if (!document.hidden) open();
}
