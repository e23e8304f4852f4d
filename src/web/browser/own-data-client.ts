// Asks one department, from the citizen's browser, for the citizen's own data. Sends the token for that department and no cookie; what comes back is untrusted.
import { isJsonObject, type JsonObject, parseJson } from "../../crypto/json.ts";
import { ELSEWHERE_ANSWER_BYTES_MAX, VERIFY_FETCH_TIMEOUT_MS } from "../../limits.ts";
import { readText } from "./evidence-client.ts";
import { type OwnConsent, type OwnLook, parseConsents, parseLooks, parseNode, parseRecords } from "./own-data.ts";

export interface OwnData {
  readonly organization: string;
  readonly contacts: readonly string[];
  /** Texts of definitions, by registry; those that could not be read are left out. */
  readonly definitions: ReadonlyMap<string, string>;
  readonly parties: ReadonlyMap<string, string>;
  readonly records: ReturnType<typeof parseRecords>;
  readonly consents: readonly OwnConsent[];
  readonly looks: readonly OwnLook[];
  readonly delayed: { readonly count: number; readonly until: number | undefined };
}

export type AskFailure = "away" | "nobody" | "issuer" | "busy" | "refused" | "strange";

class Failed extends Error {
  readonly failure: AskFailure;

  constructor(failure: AskFailure) {
    super(failure);
    this.failure = failure;
  }
}

async function getText(url: string, headers: Record<string, string>): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json", ...headers },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      // The address names who answers; nobody is asked in its place.
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.timeout(VERIFY_FETCH_TIMEOUT_MS),
    });
  } catch {
    throw new Failed("away");
  }
  const text = await readText(response, ELSEWHERE_ANSWER_BYTES_MAX).catch(() => undefined);
  if (text === undefined) throw new Failed("strange");
  if (!response.ok) throw new Failed(describeRefusal(response.status, text));
  return text;
}

function describeRefusal(status: number, text: string): AskFailure {
  if (status === 429) return "busy";
  // Who it is stands in the token in no one way.
  if (text.includes('"subject_unknown"') || text.includes('"subject_ambiguous"')) return "nobody";
  return text.includes('"token_issuer_unknown"') ? "issuer" : "refused";
}

function parseAnswer(text: string): JsonObject {
  const answer = parseJson(text);
  if (!isJsonObject(answer)) throw new Failed("strange");
  return answer;
}

/** Definitions are public: they are asked for without the token. */
async function getDefinitions(department: string, versions: ReadonlyMap<string, number>): Promise<Map<string, string>> {
  const found = await Promise.all(
    [...versions].map(async ([registry, version]): Promise<[string, string][]> => {
      const url = `${department}/registries/${encodeURIComponent(registry)}/schema/${version}`;
      const text = await getText(url, {}).catch(() => undefined);
      return text === undefined ? [] : [[registry, text]];
    }),
  );
  return new Map(found.flat());
}

/** All that the department shows the citizen of their own, or why it shows nothing. `language`: in which records are to be called. */
export async function askDepartment(
  department: string,
  { token, language }: { readonly token: string; readonly language: string },
): Promise<OwnData | AskFailure> {
  const ask = async (path: string): Promise<JsonObject> =>
    parseAnswer(
      await getText(`${department}/me/api/${path}`, {
        authorization: `Bearer ${token}`,
        "accept-language": language,
      }),
    );
  try {
    // Before this very look is one of them.
    const usage = await ask("usage");
    const [records, consents] = await Promise.all([ask("records"), ask("consents")]);
    const nodes = [records, consents, usage].map(parseNode);
    const versions = new Map(nodes.flatMap((node) => [...node.definitions]));
    const { organization, contacts } = nodes[0]!;
    return {
      organization,
      contacts,
      definitions: await getDefinitions(department, versions),
      parties: new Map(nodes.flatMap(({ parties }) => [...parties])),
      records: parseRecords(records.records),
      consents: parseConsents(consents.consents),
      ...parseLooks(usage),
    };
  } catch (error) {
    // Whatever is not as it should be is the department's fault, and must not keep the others from being shown.
    return error instanceof Failed ? error.failure : "strange";
  }
}
