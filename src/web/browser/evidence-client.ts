// Asks nodes, from the visitor's browser, for the policy and for evidence. Sends no credentials; what comes back is untrusted.
import { EVIDENCE_CHARS_MAX, VERIFIER_POLICY_CHARS_MAX, VERIFY_FETCH_TIMEOUT_MS } from "../../limits.ts";
import type { RecordLink } from "../../verification/given-text.ts";

export type Fetched =
  | { readonly text: string }
  /** `status`: what the node answered instead; undefined where nothing could be asked. */
  | { readonly failure: string; readonly status?: number };

const EVIDENCE_TYPE = "application/vnd.attestry.evidence+json";

/** Reads at most so many bytes: a node that never stops answering must not fill the visitor's memory. */
export async function readText(response: Response, bytesMax: number): Promise<string | undefined> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

async function getText(url: string, options: { accept: string; bytesMax: number }): Promise<Fetched> {
  const host = new URL(url).host;
  if (!navigator.onLine) return { failure: "There is no connection to the network." };
  try {
    const response = await fetch(url, {
      headers: { accept: options.accept },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      // The address names who answers; nobody is asked in its place.
      redirect: "error",
      cache: "no-cache",
      signal: AbortSignal.timeout(VERIFY_FETCH_TIMEOUT_MS),
    });
    if (!response.ok) return { failure: describeRefusal(host, response.status), status: response.status };
    const text = await readText(response, options.bytesMax);
    return text === undefined ? { failure: `${host} answers with more than can be read.` } : { text };
  } catch {
    // Browsers do not tell pages why: no connection, no such host, or a node that lets no page of others ask it.
    return { failure: `${host} does not answer, or does not let this page ask it.` };
  }
}

function describeRefusal(host: string, status: number): string {
  if (status === 404) return `${host} knows no such record or version that anybody may see.`;
  if (status === 410) return `${host} says that this record was erased.`;
  if (status === 401 || status === 403) return `${host} does not show this record to everybody.`;
  return `${host} cannot answer now (${status}).`;
}

export function fetchEvidence({ href, version }: RecordLink): Promise<Fetched> {
  const query = version === undefined ? "" : `?version=${version}`;
  return getText(`${href}/evidence${query}`, { accept: EVIDENCE_TYPE, bytesMax: EVIDENCE_CHARS_MAX });
}

/** The policy of the node that serves the page. */
export function fetchPolicy(basePath: string): Promise<Fetched> {
  const url = new URL(`${basePath}/verify/policy`, location.href).href;
  return getText(url, { accept: "application/json", bytesMax: VERIFIER_POLICY_CHARS_MAX });
}
