// Puts URLs in place of references that are written as type and key, before a record is checked and signed. Verifies none of them.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { parseRegistryUrl } from "../record-url.ts";
import type { KeyLookupService, KeyOutcome, KeyQuery } from "./key-lookup-service.ts";
import { type ReferenceFault, refuseReferences } from "./reference-check.ts";
import {
  findKeyedReferences,
  type KeyedReference,
  queryName,
  type ReferenceQuery,
  replaceKeyedReferences,
} from "./reference-key.ts";

/** What another node's answer, or the want of one, comes to. */
export type ElsewhereOutcome =
  | KeyOutcome
  | { readonly outcome: "unreachable"; readonly message: string; readonly isPassing: boolean };

/** Looks keys up in registries of other nodes, given by their URLs; one outcome each. */
export type FindElsewhere = (
  queries: readonly { readonly entity: string; readonly registry: string; readonly query: ReferenceQuery }[],
) => Promise<ElsewhereOutcome[]>;

export interface ReferenceKeyService {
  /** The data, or merge patch, with URLs. Throws `reference_unresolved` or `peer_unreachable`, naming each field. */
  fillIn(options: { compiled: CompiledDefinition; caller: Caller; data: JsonObject }): Promise<JsonObject>;
  /** As `fillIn` for rows of an import, all keys at once; a row whose keys are not found becomes the error that says so. */
  fillRows(options: {
    compiled: CompiledDefinition;
    caller: Caller;
    rows: readonly (Json | AttestryError)[];
  }): Promise<(Json | AttestryError)[]>;
}

type Looked = { readonly href: string; readonly state: string } | { readonly fault: ReferenceFault };

export function createReferenceKeyService(deps: {
  entity: string;
  keyLookups: KeyLookupService;
  findElsewhere: FindElsewhere;
}): ReferenceKeyService {
  const { entity, keyLookups, findElsewhere } = deps;

  const registryOf = (query: ReferenceQuery) =>
    query.registry === undefined ? undefined : parseRegistryUrl(query.registry);

  /** Own registries first: the one that the definition names, if it is one of them, else those of the type. */
  async function lookUp(queries: ReadonlyMap<string, ReferenceQuery>, caller: Caller): Promise<Map<string, Looked>> {
    const names = [...queries.keys()];
    const own = await keyLookups.findByKeys({
      caller,
      queries: [...queries.values()].map((query): KeyQuery => {
        const named = registryOf(query);
        const { key, type } = query;
        return named?.entity === entity ? { registry: named.registry, key } : { type, key };
      }),
    });
    const elsewhere = names.flatMap((name, at) => {
      const query = queries.get(name)!;
      const named = registryOf(query);
      const isUnknownHere = own[at]!.outcome === "record_unknown" || own[at]!.outcome === "registry_unknown";
      return named && named.entity !== entity && isUnknownHere ? [{ name, at, asked: { ...named, query } }] : [];
    });
    const outcomes: ElsewhereOutcome[] = [...own];
    if (elsewhere.length > 0) {
      const found = await findElsewhere(elsewhere.map(({ asked }) => asked));
      for (const [i, { at }] of elsewhere.entries()) outcomes[at] = found[i]!;
    }
    return new Map(names.map((name, at) => [name, readOutcome(outcomes[at]!)]));
  }

  /** The data of each with URLs, or why not; `undefined` data stays. */
  async function fillAll(
    compiled: CompiledDefinition,
    caller: Caller,
    all: readonly (JsonObject | undefined)[],
  ): Promise<(JsonObject | AttestryError | undefined)[]> {
    if (compiled.annotations.references.length === 0) return [...all];
    const found = all.map((data) => (data === undefined ? [] : findKeyedReferences(compiled, data)));
    const askable = found.flat().filter(({ fault }) => fault === undefined);
    const queries = new Map(askable.map(({ query }) => [queryName(query), query]));
    const looked = queries.size === 0 ? new Map<string, Looked>() : await lookUp(queries, caller);
    return all.map((data, at) => {
      const keyed = found[at]!;
      if (data === undefined || keyed.length === 0) return data;
      const judged = keyed.map((one) => ({ ...one, ...judge(one, looked) }));
      const refusal = refuseReferences(judged.map(({ field, verdict }) => ({ field, fault: verdict })));
      if (refusal) return refusal;
      return replaceKeyedReferences(compiled, data, new Map(judged.map(({ field, href }) => [field, href!])));
    });
  }

  return {
    async fillIn({ compiled, caller, data }) {
      const [filled] = await fillAll(compiled, caller, [data]);
      if (filled instanceof AttestryError) throw filled;
      return filled!;
    },
    async fillRows({ compiled, caller, rows }) {
      const filled = await fillAll(
        compiled,
        caller,
        rows.map((row) => (isEnvelope(row) && isJsonObject(row.data) ? row.data : undefined)),
      );
      return rows.map((row, at) => {
        const data = filled[at];
        if (data === undefined || !isEnvelope(row) || data === row.data) return row;
        return data instanceof AttestryError ? data : { ...row, data };
      });
    },
  };
}

function isEnvelope(row: Json | AttestryError): row is JsonObject {
  return !(row instanceof AttestryError) && isJsonObject(row);
}

function readOutcome(outcome: ElsewhereOutcome): Looked {
  if (outcome.outcome === "found") return outcome;
  const isPassing = outcome.outcome === "unreachable" && outcome.isPassing;
  return { fault: { message: outcome.message, isPassing } };
}

function judge(
  { query, fault, isAccepted }: KeyedReference,
  looked: ReadonlyMap<string, Looked>,
): { href: string | undefined; verdict: ReferenceFault | undefined } {
  if (fault !== undefined) return { href: undefined, verdict: { message: fault, isPassing: false } };
  const found = looked.get(queryName(query))!;
  if ("fault" in found) return { href: undefined, verdict: found.fault };
  // Of a reference that is verified before signing, verification tells more: what succeeded the record.
  if (isAccepted && found.state !== "active")
    return { href: undefined, verdict: { message: `is the key of a record that is ${found.state}`, isPassing: false } };
  return { href: found.href, verdict: undefined };
}
