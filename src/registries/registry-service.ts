// Publishes definitions into the log and hands out compiled ones. The only place that decides which version is current.

import type { WriteApproval } from "../approval/proposal.ts";
import type { ProposalBook, Proposed } from "../approval/proposal-book-service.ts";
import { readApprovals, storeApprovals } from "../approval/proposal-guard.ts";
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import type { Staff } from "../identity/caller.ts";
import { DEFINITION_CACHE_ENTRIES_MAX, DEFINITION_CACHE_SECONDS } from "../limits.ts";
import { commitment, randomTag, ZERO_SALT } from "../log/entry.ts";
import type { LogWriter, WriteKind } from "../log/writer-service.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";
import { type CompiledDefinition, compileDefinition, definitionUrl } from "./compiled-definition.ts";
import { isRegistryName, parseDefinition } from "./definition.ts";
import { compareDefinitions, isWiderAccess } from "./definition-changes.ts";
import * as store from "./registry-store.ts";
import type { DefinitionChange } from "./schema-changes.ts";
import { formatDefinitionText } from "./type-metadata.ts";

export interface RegistryService {
  /** The current definition; throws `registry_unknown`. At most DEFINITION_CACHE_SECONDS old. */
  getCurrent(name: string): Promise<CompiledDefinition>;
  /** A version's definition; throws `version_unknown`. Versions never change. */
  getVersion(name: string, version: number): Promise<CompiledDefinition>;
  list(): Promise<CompiledDefinition[]>;
  listVersions(name: string): Promise<store.StoredDefinition[]>;
  listTypes(): Promise<string[]>;
  /**
   * Publishes the next version; an unchanged definition changes nothing. Where the current version says who must approve, it becomes a
   * proposal of the caller's. `from`: the version that it is to follow. Throws `definition_invalid`, `definition_breaking`,
   * `definition_conflict`, `approval_required`, and `definition_access_wider` where there are records that fewer may read.
   */
  publish(value: Json, options: PublishOptions): Promise<Published | Proposed>;
  /** What `publish` would do: the version that would be made, and what changes. Throws `definition_invalid`, `definition_access_wider`. */
  previewPublish(value: Json, options: { name: string }): Promise<PublishPreview>;
  /** Forgets what is cached, so that the next read asks the database. */
  refresh(name: string): void;
}

export interface PublishOptions {
  readonly name: string;
  readonly allowBreaking: boolean;
  readonly caller?: Staff | undefined;
  readonly from?: number | undefined;
}

export interface PublishPreview {
  readonly compiled: CompiledDefinition;
  readonly changed: boolean;
  /** From the current version; empty for the first. */
  readonly changes: readonly DefinitionChange[];
}

export interface Published extends PublishPreview {
  readonly logIndex: number;
}

interface DefineInput {
  readonly registry: string;
  readonly type: string;
  readonly version: number;
  readonly text: string;
  readonly publishedAt: number;
  /** Whether more may read under it than under the version before. */
  readonly isWider: boolean;
  readonly approval: WriteApproval;
}

/** Which of these registries have ever held a record. */
export type FindUsedRegistries = (
  sql: Sql | Transaction,
  registries: readonly string[],
) => Promise<ReadonlySet<string>>;

function createDefineKind(findUsed: FindUsedRegistries): WriteKind<DefineInput> {
  return {
    name: "define",
    // A record that is written in the same batch would be checked by the version before, and not be seen by this check.
    isAlone: true,
    async check(tx, inputs) {
      const names = inputs.map((input) => input.registry);
      const [current, used, approvals] = await Promise.all([
        store.readCurrentVersions(tx, names),
        findUsed(tx, names),
        readApprovals(tx, inputs),
      ]);
      return inputs.map((input) => {
        const refusal = approvals.check(input);
        if (refusal) return refusal;
        const version = current.get(input.registry) ?? 0;
        if (input.version === version + 1) {
          if (input.isWider && used.has(input.registry)) return accessWider(input.registry);
          current.set(input.registry, input.version);
          return undefined;
        }
        return new AttestryError(
          "definition_conflict",
          `registry "${input.registry}" was published by somebody else meanwhile; it is at version ${version}; try again`,
        );
      });
    },
    async store(tx, accepted) {
      for (const { input, logIndex } of accepted) await store.insertDefinition(tx, { ...input, logIndex });
      await storeApprovals(
        tx,
        accepted.map(({ input }) => input),
      );
    },
  };
}

/** What was given under a promise of who may read it is not opened by a change of rules: only a record made anew, elsewhere, is. */
function accessWider(registry: string): AttestryError {
  return new AttestryError(
    "definition_access_wider",
    `registry "${registry}" has records that were given for fewer to read; its access never becomes wider. Publish the definition under another name, and enter there what may be read by more`,
  );
}

export function createRegistryService(deps: {
  database: Database;
  writer: LogWriter;
  entity: string;
  clock: () => number;
  random: (length: number) => Uint8Array;
  findUsed: FindUsedRegistries;
  proposals: ProposalBook;
}): RegistryService {
  const { database, entity } = deps;
  const defineKind = createDefineKind(deps.findUsed);
  const versions = new Map<string, CompiledDefinition>();
  // Short, because another process may publish; a write under an outdated version is refused under the log's lock all the same.
  const current = createExpiringCache<CompiledDefinition | undefined>({
    load: async (name) => {
      const stored = await store.findCurrentDefinition(database, name);
      return { value: stored && compile(stored), expiresAt: deps.clock() + DEFINITION_CACHE_SECONDS };
    },
    entriesMax: DEFINITION_CACHE_ENTRIES_MAX,
    failureSeconds: 0,
    clock: deps.clock,
  });

  function compile(stored: store.StoredDefinition): CompiledDefinition {
    const key = `${stored.registry}/${stored.version}`;
    const known = versions.get(key);
    if (known) return known;
    const compiled = compileDefinition({ entity, version: stored.version, text: stored.text });
    versions.set(key, compiled);
    return compiled;
  }

  async function getCurrent(name: string): Promise<CompiledDefinition> {
    checkName(name);
    const compiled = await current.get(name);
    if (!compiled) throw unknownRegistry(name);
    return compiled;
  }

  // What can be no name is not asked for: PostgreSQL refuses NUL in a text, and a cache would keep it.
  function checkName(name: string): void {
    if (!isRegistryName(name)) throw unknownRegistry(name);
  }

  /** Checks a definition that is to be published, against the version that is current in the database. */
  async function prepare(value: Json, name: string) {
    const { definition, text } = parseDefinition(value);
    if (definition.name !== name) {
      throw new AttestryError(
        "definition_invalid",
        `the definition names itself "${definition.name}", the address "${name}"; they must agree`,
      );
    }
    const stored = await store.findCurrentDefinition(database, name);
    const before = stored && compile(stored);
    if (before && canonicalJson(before.definition as unknown as JsonObject) === text)
      return { stored, before, compiled: before, changed: false, changes: [], isWider: false };
    const version = (before?.version ?? 0) + 1;
    const vct = definitionUrl({ entity, name, version });
    const compiled = compileDefinition({ entity, version, text: formatDefinitionText(definition, vct) });
    const changes = before ? compareDefinitions(before.definition, definition) : [];
    const isWider = before !== undefined && isWiderAccess(before.definition.access, definition.access);
    if (isWider && (await deps.findUsed(database.sql, [name])).has(name)) throw accessWider(name);
    return { stored, before, compiled, changed: true, changes, isWider };
  }

  return {
    getCurrent,
    async getVersion(name, version) {
      checkName(name);
      const known = versions.get(`${name}/${version}`);
      if (known) return known;
      const stored = await store.findDefinition(database, { registry: name, version });
      if (!stored)
        throw new AttestryError("version_unknown", `registry "${name.slice(0, 80)}" has no version ${version}`);
      return compile(stored);
    },
    async list() {
      const names = await store.listRegistryNames(database);
      return Promise.all(names.map(({ name }) => getCurrent(name)));
    },
    async listVersions(name) {
      await getCurrent(name);
      return store.listDefinitions(database, name);
    },
    async listTypes() {
      const names = await store.listRegistryNames(database);
      return [...new Set(names.map(({ type }) => type))].sort();
    },
    async previewPublish(value, { name }) {
      const { compiled, changed, changes } = await prepare(value, name);
      return { compiled, changed, changes };
    },
    async publish(value, { name, allowBreaking, caller, from }) {
      const { stored, before, compiled, changed, changes, isWider } = await prepare(value, name);
      const is = before?.version ?? 0;
      if (from !== undefined && from !== is)
        throw new AttestryError(
          "definition_conflict",
          `registry "${name}" is at version ${is}, and the change was made to version ${from}`,
        );
      if (stored && !changed) return { compiled, logIndex: stored.logIndex, changed, changes };
      const breaking = changes.filter(({ kind }) => kind === "breaking");
      if (breaking.length > 0 && !allowBreaking) {
        throw new AttestryError(
          "definition_breaking",
          "the change breaks what is written or read under the current version; publish it with --allow-breaking if that is meant",
          { details: breaking.map(({ field, message }) => ({ field, message })) },
        );
      }
      const { text, version, definition } = compiled;
      const approval = { required: before?.definition.approval ?? [], approved: caller?.approved };
      if (caller && approval.required.length > 0 && approval.approved === undefined) {
        const asked = { caller, registry: name, roles: approval.required, definitionVersion: is };
        return deps.proposals.propose({
          ...asked,
          kind: "define",
          request: { definition: value, allowBreaking, from: is },
        });
      }
      const publishedAt = deps.clock();
      const { logIndex } = await deps.writer.append(
        defineKind,
        { registry: name, type: definition.type, version, text, publishedAt, isWider, approval },
        { c: commitment("define", ZERO_SALT, text), e: "define", r: randomTag(deps.random(32)), t: publishedAt, v: 1 },
      );
      current.forget(name);
      versions.set(`${name}/${version}`, compiled);
      return { compiled, logIndex, changed, changes };
    },
    refresh(name) {
      current.forget(name);
    },
  };
}

function unknownRegistry(name: string): AttestryError {
  return new AttestryError("registry_unknown", `this node has no registry "${name.slice(0, 80)}"`);
}
