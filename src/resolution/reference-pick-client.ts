// Asks another node, as anybody may, which public registries of a type it has and which of their records are named so. What comes back is untrusted: a hint for people; whatever they choose is verified when the record is written.
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { PICK_BYTES_MAX, PICK_LABEL_CHARS_MAX, PICK_REGISTRIES_MAX } from "../limits.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import type { PickedRegistry } from "../records/references/pick-plan.ts";
import { collectAnnotations } from "../registries/annotations.ts";
import { isRegistryName } from "../registries/definition.ts";

export interface PickedRecord {
  readonly href: string;
  readonly label: string;
}

export interface ReferencePickClient {
  /** Throws `peer_*`. */
  listRegistries(entity: string, type: string, timeoutMs: number): Promise<PickedRegistry[]>;
  /** `names`: the entities in whose name the node's records are. Throws `peer_*`. */
  findRecords(options: {
    entity: string;
    names: readonly string[];
    registry: string;
    fields: Readonly<Record<string, string>>;
    limit: number;
    languages: readonly string[];
    timeoutMs: number;
  }): Promise<PickedRecord[]>;
}

/** A registry as another node describes it; undefined where it is none of the type, not public, or beyond what is read here. */
function readRegistry(value: Json, type: string): PickedRegistry | undefined {
  if (!isJsonObject(value) || value.type !== type || value.access !== "public") return undefined;
  const { name, schema, identifier } = value;
  if (typeof name !== "string" || !isRegistryName(name) || !isJsonObject(schema)) return undefined;
  try {
    const annotations = collectAnnotations(schema, "public");
    return { name, annotations, schema, isNumbered: typeof identifier === "string" };
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}

/** A text that is shown to people: short, on one line. */
function readLabel(value: Json | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  const label = value.replaceAll(/\p{C}+/gu, " ").trim();
  return label === "" ? undefined : label.slice(0, PICK_LABEL_CHARS_MAX);
}

export function createReferencePickClient(http: HttpClient): ReferencePickClient {
  async function getJson(
    url: string,
    options: { timeoutMs: number; languages?: readonly string[] },
  ): Promise<JsonObject> {
    const { languages = [], timeoutMs } = options;
    const headers = {
      accept: "application/json",
      ...(languages.length > 0 && { "accept-language": languages.slice(0, 5).join(", ") }),
    };
    const response = await http.send({ method: "GET", url, headers, timeoutMs, bytesMax: PICK_BYTES_MAX });
    const fail = (reason: string) => new AttestryError("peer_response_invalid", `${new URL(url).host} ${reason}`);
    if (response.status !== 200) throw fail(`answered status ${response.status}`);
    try {
      const answer = parseJson(decodeUtf8(response.body));
      if (isJsonObject(answer)) return answer;
    } catch (error) {
      if (!isAttestryError(error)) throw error;
    }
    throw fail("answered no JSON object");
  }

  return {
    async listRegistries(entity, type, timeoutMs) {
      const { registries } = await getJson(`${entity}/registries`, { timeoutMs });
      const all = Array.isArray(registries) ? registries : [];
      return all.flatMap((one) => readRegistry(one, type) ?? []).slice(0, PICK_REGISTRIES_MAX);
    },
    async findRecords({ entity, names, registry, fields, limit, languages, timeoutMs }) {
      const query = new URLSearchParams({ ...fields, recordState: "active", limit: String(limit) });
      const url = `${entity}/registries/${registry}/records?${query}`;
      const { records } = await getJson(url, { timeoutMs, languages });
      const all = Array.isArray(records) ? records.slice(0, limit) : [];
      return all.flatMap((one) => {
        if (!isJsonObject(one) || typeof one.href !== "string") return [];
        const address = parseRecordUrl(one.href);
        const label = readLabel(one.display);
        const isTheirs = address !== undefined && names.includes(address.entity) && address.registry === registry;
        return isTheirs && label !== undefined ? [{ href: one.href, label }] : [];
      });
    },
  };
}
