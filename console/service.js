// Talks to the service. What it refuses becomes a Refused with its own words; anything else is a lost connection.

const PATIENCE_MS = 10_000;

/** The service read the request and will not take it, however often it is sent. */
export class Refused extends Error {}

async function answered(path, options) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  const detail = problem.detail || `the service answered ${response.status}`;
  const final = response.status < 500 && response.status !== 429;
  throw final ? new Refused(detail) : new Error(detail);
}

export function triage(request) {
  const body = JSON.stringify(request);
  return answered("/v1/triage", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

export function recentContacts() {
  return answered("/v1/contacts?limit=50");
}

export function serviceTypes() {
  return answered("/v1/taxonomy").then((taxonomy) => taxonomy.service_types);
}

export function searchKnowledge(question) {
  return answered(`/v1/kb/search?${new URLSearchParams({ q: question, k: 5 })}`);
}
