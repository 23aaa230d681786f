// What may belong to a contact: its thread, its files, others nearby, and past ones that were like it.

import { age, el, fill, levelBadge, link, percent, tongue } from "./elements.js";
import { ask, contactPage, contactUrl } from "./service.js";

const WORTH_TELLING = 0.2;

function rowsOf(ids) {
  return ids.length ? ask(`/v1/queue/rows?${new URLSearchParams(ids.map((id) => ["id", id]))}`) : [];
}

function list(rows, more) {
  return el("ul", { class: "related" }, rows.map((row) => el("li", {},
    el("div", { class: "row" }, levelBadge(row.urgency), link(contactPage(row.message_id), {}, row.service_type_name ?? "No type yet"),
      el("span", { class: "quiet" }, `${row.channel}, ${age(row.created_at)} ago`, row.status === "closed" && ", closed"), more(row)),
    el("p", { class: "cut", ...tongue(row.excerpt_language) }, row.excerpt))));
}

async function drawn(place, work, none) {
  try {
    fill(place, (await work()) ?? el("p", { class: "quiet" }, none));
  } catch (error) {
    fill(place, el("p", { class: "warning" }, `Not read: ${error.message}`));
  }
}

/** Draw the contacts that may be about the same matter, with what speaks for it. */
export function showDuplicates(place, duplicates, incident) {
  return drawn(place, async () => {
    const rows = await rowsOf(duplicates.map((each) => each.message_id));
    const of = (row) => duplicates.find((each) => each.message_id === row.message_id);
    const why = ({ days, places, similarity }) => [days < 1 ? "the same day" : `${Math.round(days)} days apart`, places.join(", "), similarity >= WORTH_TELLING && `words ${percent(similarity)} alike`].filter(Boolean).join(" · ");
    return [
      incident && el("p", { class: "notice" }, el("b", {}, `Part of the incident “${incident.title}”.`)),
      rows.length ? list(rows, (row) => el("span", { class: "tag" }, why(of(row)))) : el("p", { class: "quiet" }, "None of the last two weeks."),
    ];
  }, "");
}

/** Draw past contacts whose texts are like this one's. */
export function showSimilar(place, id) {
  return drawn(place, async () => {
    const found = await ask(`${contactUrl(id)}/similar`);
    const rows = await rowsOf(found.map((each) => each.message_id));
    const of = (row) => found.find((each) => each.message_id === row.message_id);
    return rows.length ? list(rows, (row) => el("span", { class: "tag" }, `similarity ${of(row).similarity.toFixed(2)}`)) : null;
  }, "No past contact of this type that people decided is like it.");
}

/** Draw the other contacts of the thread; nothing where there are none. */
export function showThread(place, id) {
  return drawn(place, async () => {
    const ids = await ask(`${contactUrl(id)}/thread`);
    if (ids.length < 2) return "";
    const rows = await rowsOf(ids);
    return [el("h3", {}, `Thread, ${ids.length} messages`), list(rows, (row) => row.message_id === id && el("span", { class: "tag strong" }, "this one"))];
  }, "");
}

function size(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Draw the files that came with the message; nothing where there are none. */
export function showAttachments(place, id) {
  return drawn(place, async () => {
    const files = await ask(`${contactUrl(id)}/attachments`);
    if (!files.length) return "";
    return [el("h3", {}, "Attachments"), el("ul", { class: "related" }, files.map((file) => el("li", {},
      file.kept ? link(`${contactUrl(id)}/attachments/${file.number}`, { download: file.name }, file.name) : file.name,
      el("span", { class: "quiet" }, ` ${file.media_type}, ${size(file.size_bytes)}`, !file.kept && ", not kept"),
      file.text && el("details", {}, el("summary", {}, "Its text"), el("p", { class: "said", lang: "", dir: "auto" }, file.text)))))];
  }, "");
}
