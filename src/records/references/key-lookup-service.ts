// Says which record of this node has a key: for references that are written as type and key, here and on other nodes.
import type { KeyedDigest, KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { isPermitted } from "../../identity/permissions.ts";
import { RECORDS_FIND_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { findShown, type LogReadings } from "../record-readings.ts";
import type { RecordSight } from "../record-sight.ts";
import { findHeads, findKeyHolders, findRecords } from "../record-store.ts";
import { formatRecordUrl } from "../record-url.ts";
import type { RecordViewer } from "../record-viewer.ts";
import { searchableFields, searchDigest } from "../search/record-keys.ts";
import { keepOpenlyHeld } from "../search/sealed-key-service.ts";
import type { RecordKeyText } from "./reference-key.ts";

/** In one registry, or in all that this node has of a type. */
export type KeyQuery = { readonly key: RecordKeyText } & (
  | { readonly registry: string; readonly type?: never }
  | { readonly type: string; readonly registry?: never }
);

/** `state`: that of the record, which need not be active. */
export type KeyOutcome =
  | { readonly outcome: "found"; readonly href: string; readonly state: string }
  | {
      readonly outcome: Extract<
        ErrorCode,
        "registry_unknown" | "record_unknown" | "permission_denied" | "query_invalid"
      >;
      readonly message: string;
    };

export interface KeyLookupService {
  /** One outcome per query, in their order. Throws `too_many_items`. */
  findByKeys(options: { caller: Caller; queries: readonly KeyQuery[] }): Promise<KeyOutcome[]>;
  /**
   * The rid of the record that has this key by today's definition, personal or not: for who decides by a person's own rules what is told of
   * it, and logs it. Throws `query_invalid` where no key is like it.
   */
  findHolder(compiled: CompiledDefinition, key: RecordKeyText): Promise<string | undefined>;
}

type Candidates =
  | {
      readonly compiled: CompiledDefinition;
      readonly keys: readonly KeyedDigest[];
      readonly digests: readonly string[];
      /** Those of personal values, with the fields that these are of. */
      readonly personal: ReadonlyMap<string, readonly string[]>;
    }
  | Exclude<KeyOutcome, { outcome: "found" }>;

export function createKeyLookupService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sight: RecordSight;
  searchKey: KeyGenerations;
  viewer: RecordViewer;
  logReadings: LogReadings;
}): KeyLookupService {
  const { entity, database, registries, sight, searchKey, viewer } = deps;

  async function registriesOf(
    query: KeyQuery,
    all: () => Promise<CompiledDefinition[]>,
  ): Promise<CompiledDefinition[]> {
    if (query.type !== undefined) return (await all()).filter(({ definition }) => definition.type === query.type);
    try {
      return [await registries.getCurrent(query.registry)];
    } catch (error) {
      if (isAttestryError(error, "registry_unknown")) return [];
      throw error;
    }
  }

  /** All keyed hashes that the record could have in one registry, each with the names of its fields. */
  function searchesIn(compiled: CompiledDefinition, key: RecordKeyText) {
    const names = searchableFields(compiled);
    // A simple value is the identifier, or else stands for the only field that is unique alone.
    const singles = names.filter((fields) => fields.length === 1 && fields[0] !== "identifier");
    const spelled =
      typeof key === "object"
        ? [key]
        : [...(compiled.identifier ? ["identifier"] : []), ...(singles.length === 1 ? singles[0]! : [])].map(
            (name) => ({ [name]: key }),
          );
    return spelled.flatMap((fields) => {
      const found = searchDigest({ searchKey, compiled, fields, spelled: true });
      return found ? [{ ...found, names: Object.keys(fields) }] : [];
    });
  }

  const notLookedUp = (compiled: CompiledDefinition): string => {
    const known = searchableFields(compiled).map((fields) => `{${fields.join(", ")}}`);
    return `records of "${compiled.definition.name}" are looked up by ${known.join(" or ") || "nothing but their URL"}`;
  };

  /** The keyed hashes that the record would have in one registry, as far as the caller may ask by them. */
  function digestsIn(compiled: CompiledDefinition, key: RecordKeyText, caller: Caller): Candidates {
    const registry = compiled.definition.name;
    const { access } = compiled.definition;
    if (!isPermitted({ caller, action: "record.read", registry, access }))
      return { outcome: "permission_denied", message: `registry "${registry}" is not open to you` };
    const searches = searchesIn(compiled, key);
    // Whoever may not see a personal value may not learn either whether somebody has it.
    const open = searches.filter(
      ({ personal }) => !personal || isPermitted({ caller, action: "record.inspect", registry }),
    );
    if (open.length > 0) {
      const personal = new Map(open.flatMap((one) => (one.personal ? [[one.digest, one.names] as const] : [])));
      return { compiled, keys: open, digests: open.map(({ digest }) => digest), personal };
    }
    if (searches.length > 0)
      return {
        outcome: "permission_denied",
        message: `records of "${registry}" are looked up by personal values by its staff only`,
      };
    return { outcome: "query_invalid", message: notLookedUp(compiled) };
  }

  /** Without the records whose key the caller may not know, though the definition opens it by now. */
  async function keepOpen(
    holders: ReadonlyMap<string, string>,
    candidates: readonly Candidates[],
    caller: Caller,
  ): Promise<Map<string, string>> {
    const kept = new Map<string, string>();
    const asked = candidates.filter((one): one is Extract<Candidates, { digests: unknown }> => "digests" in one);
    for (const compiled of new Set(asked.map((one) => one.compiled))) {
      const ofRegistry = asked.filter((one) => one.compiled === compiled);
      const own = ofRegistry.flatMap((one) => one.digests);
      const personal = new Map(ofRegistry.flatMap((one) => [...one.personal]));
      const rids = own.flatMap((digest) => holders.get(digest) ?? []);
      const [readable, inspected] = await Promise.all([
        sight.findReadable({ caller, compiled, rids }),
        sight.findInspected({ caller, compiled, rids }),
      ]);
      const shown = own.filter((digest) =>
        (personal.has(digest) ? inspected : readable).has(holders.get(digest) ?? ""),
      );
      const held = shown.map((digest) => holders.get(digest)!);
      const open = new Set(
        await keepOpenlyHeld(database, { registries, sight, compiled, caller, rids: held, ever: false }),
      );
      const told = shown.filter((digest) => open.has(holders.get(digest) ?? ""));
      for (const digest of told) kept.set(digest, holders.get(digest)!);
      await note(
        caller,
        compiled,
        told.flatMap((digest) => {
          const fields = personal.get(digest);
          return fields ? [{ rid: holders.get(digest)!, fields }] : [];
        }),
      );
    }
    return kept;
  }

  /** Whoever is told which record has a personal key is told that its person has it. */
  async function note(
    caller: Caller,
    compiled: CompiledDefinition,
    found: readonly { readonly rid: string; readonly fields: readonly string[] }[],
  ): Promise<void> {
    if (found.length === 0) return;
    const rows = await findRecords(database, [...new Set(found.map(({ rid }) => rid))]);
    const shown = found.flatMap(({ rid, fields }) => {
      const row = rows.get(rid);
      return row ? (findShown(viewer.view(row, compiled, true), compiled, fields) ?? []) : [];
    });
    await deps.logReadings(shown, caller, "lookup");
  }

  return {
    async findByKeys({ caller, queries }) {
      if (queries.length > RECORDS_FIND_MAX)
        throw new AttestryError(
          "too_many_items",
          `${queries.length} keys in one request; at most ${RECORDS_FIND_MAX} are allowed`,
        );
      let listed: Promise<CompiledDefinition[]> | undefined;
      const all = () => (listed ??= registries.list());
      const candidates = await Promise.all(
        queries.map(async (query): Promise<Candidates[]> => {
          const found = await registriesOf(query, all);
          return found.map((compiled) => digestsIn(compiled, query.key, caller));
        }),
      );
      const keys = candidates.flat().flatMap((one) => ("keys" in one ? one.keys : []));
      const held = keys.length === 0 ? new Map<string, string>() : await findKeyHolders(database, keys);
      const holders = await keepOpen(held, candidates.flat(), caller);
      const heads = await findHeads(database, [...new Set(holders.values())]);
      return candidates.map((ofQuery, at): KeyOutcome => {
        // By registry, the first of its keys that somebody has.
        const rids = ofQuery.flatMap((one) =>
          "digests" in one
            ? (one.digests.map((digest) => holders.get(digest)).find((rid) => rid !== undefined) ?? [])
            : [],
        );
        const found = rids.flatMap((rid) => heads.get(rid) ?? []);
        if (found.length > 1)
          return {
            outcome: "query_invalid",
            message: `is a key in ${found.map(({ registry }) => `"${registry}"`).join(" and ")}; write the URL`,
          };
        if (found.length === 1) {
          const { rid, registry, state } = found[0]!;
          return { outcome: "found", href: formatRecordUrl({ entity, registry, rid }), state };
        }
        const refusal = ofQuery.find((one) => "outcome" in one);
        if (refusal) return refusal as Exclude<KeyOutcome, { outcome: "found" }>;
        const { registry, type } = queries[at]!;
        if (ofQuery.length > 0) return { outcome: "record_unknown", message: "is the key of no record" };
        const message =
          type === undefined
            ? `there is no registry "${registry.slice(0, 80)}"`
            : `there is no registry of type "${type.slice(0, 80)}"`;
        return { outcome: "registry_unknown", message };
      });
    },
    async findHolder(compiled, key) {
      const searches = searchesIn(compiled, key);
      if (searches.length === 0) throw new AttestryError("query_invalid", notLookedUp(compiled));
      const holders = await findKeyHolders(database, searches);
      return searches.map(({ digest }) => holders.get(digest)).find((rid) => rid !== undefined);
    },
  };
}
