// Finds the records that a reference may be to by what somebody begins to write: in own registries first, then in public ones of other nodes of the directory. For staff who may write; asks few nodes, and for a short time.
import { AttestryError, isAttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import type { DirectoryService } from "../federation/directory-service.ts";
import type { Caller } from "../identity/caller.ts";
import { checkPermitted, isPermitted } from "../identity/permissions.ts";
import {
  PICK_DEFINITIONS_REMEMBERED_MAX,
  PICK_DEFINITIONS_SECONDS,
  PICK_ITEMS_MAX,
  PICK_LISTED_MAX,
  PICK_NODES_MAX,
  PICK_QUERY_CHARS_ELSEWHERE_MIN,
  PICK_QUERY_CHARS_MAX,
  PICK_REGISTRIES_MAX,
  PICK_TIMEOUT_MS,
} from "../limits.ts";
import { parseRegistryUrl } from "../records/record-url.ts";
import { isNamed, type PickedRegistry, planPick } from "../records/references/pick-plan.ts";
import type { RecordSearchService } from "../records/search/record-search-service.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { PickedRecord, ReferencePickClient } from "./reference-pick-client.ts";

export interface PickItem extends PickedRecord {
  readonly registry: string;
  readonly entity: string;
  /** Who keeps it, as the directory has it; of another node. */
  readonly organisation?: string;
}

export interface PickAnswer {
  readonly items: readonly PickItem[];
  /** Other nodes that answered, and those that did not in time or not as they should. */
  readonly asked: readonly string[];
  readonly silent: readonly string[];
  /** Whether there are more nodes than were asked, or more records than are told. */
  readonly isCut: boolean;
}

export interface ReferencePickService {
  /** `field`: the JSON Pointer of a reference within the data, `*` for every element of a list. Throws `permission_denied`, `query_invalid`. */
  pick(options: {
    caller: Caller;
    registry: string;
    field: string;
    typed: string;
    languages: readonly string[];
  }): Promise<PickAnswer>;
}

/** Another node, and the registry of it that is meant, where it is one. */
interface AskedNode {
  readonly entity: string;
  readonly names: readonly string[];
  readonly organisation: string | undefined;
  readonly registry: string | undefined;
}

export function createReferencePickService(deps: {
  entity: string;
  registries: Pick<RegistryService, "getCurrent" | "list">;
  recordSearches: Pick<RecordSearchService, "find">;
  directory: Pick<DirectoryService, "list" | "find">;
  client: ReferencePickClient;
  clock: () => number;
}): ReferencePickService {
  const { entity, registries, recordSearches, directory, client, clock } = deps;

  // By entity and type, parted by a space.
  const described = createExpiringCache<readonly PickedRegistry[]>({
    load: async (key) => {
      const [node, type] = key.split(" ");
      const value = await client.listRegistries(node!, decodeURIComponent(type!), PICK_TIMEOUT_MS);
      return { value, expiresAt: clock() + PICK_DEFINITIONS_SECONDS };
    },
    entriesMax: PICK_DEFINITIONS_REMEMBERED_MAX,
    failureSeconds: 0,
    clock,
  });

  /** Runs the searches of a registry and keeps what is named so, each record once. */
  async function findIn(
    registry: PickedRegistry,
    typed: string,
    find: (fields: Readonly<Record<string, string>>, limit: number) => Promise<PickedRecord[]>,
  ): Promise<PickedRecord[]> {
    const found = await Promise.all(
      planPick(registry, typed).map(async ({ fields, isListed }) => {
        const records = await find(fields, isListed ? PICK_LISTED_MAX : PICK_ITEMS_MAX);
        return isListed ? records.filter(({ label }) => isNamed(label, typed)) : records;
      }),
    );
    return [...new Map(found.flat().map((record) => [record.href, record])).values()];
  }

  async function findHere(
    caller: Caller,
    of: { type: string; registry: string | undefined; typed: string; languages: readonly string[] },
  ): Promise<PickItem[]> {
    const own = (await registries.list()).filter(({ definition: { name, type, access } }) => {
      const isMeant = of.registry === undefined ? type === of.type : name === of.registry;
      return isMeant && isPermitted({ caller, action: "record.read", registry: name, access });
    });
    const found = await Promise.all(
      own.slice(0, PICK_REGISTRIES_MAX).map(async ({ definition: { name, identifier, schema }, annotations }) => {
        const described = { name, annotations, schema, isNumbered: typeof identifier === "string" };
        const records = await findIn(described, of.typed, async (fields, limit) => {
          const page = await findOwn({ caller, registry: name, fields, limit, languages: of.languages });
          return page.map(({ href, display }) => ({ href, label: display }));
        });
        return records.map((record) => ({ ...record, registry: name, entity }));
      }),
    );
    return found.flat();
  }

  /** None where a text cannot be the value of the field. */
  async function findOwn(of: {
    caller: Caller;
    registry: string;
    fields: Readonly<Record<string, string>>;
    limit: number;
    languages: readonly string[];
  }) {
    const { fields, ...options } = of;
    try {
      const asked = { ...fields, recordState: "active" };
      return (await recordSearches.find({ ...options, fields: asked, inAddress: true, namesOnly: true })).records;
    } catch (error) {
      if (isAttestryError(error, "query_invalid") || isAttestryError(error, "search_too_broad")) return [];
      throw error;
    }
  }

  async function listNodes(type: string, named: ReturnType<typeof parseRegistryUrl>): Promise<AskedNode[]> {
    if (named !== undefined) {
      if (named.entity === entity) return [];
      const member = await directory.find(named.entity);
      const organisation = member?.organizationName ?? undefined;
      return [{ entity: named.entity, names: [named.entity], organisation, registry: named.registry }];
    }
    const { members } = await directory.list({ type, state: "valid", limit: PICK_NODES_MAX + 2 });
    return members
      .filter((member) => member.entity !== entity && !member.formerly.includes(entity))
      .map(({ entity: node, formerly, organizationName }) => ({
        entity: node,
        names: [node, ...formerly],
        organisation: organizationName ?? undefined,
        registry: undefined,
      }));
  }

  async function findAt(
    node: AskedNode,
    of: { type: string; typed: string; languages: readonly string[]; deadline: number },
  ): Promise<PickItem[]> {
    const all = await described.get(`${node.entity} ${encodeURIComponent(of.type)}`);
    const meant = all.filter(({ name }) => node.registry === undefined || name === node.registry);
    const found = await Promise.all(
      meant.map(async (registry) => {
        const records = await findIn(registry, of.typed, (fields, limit) =>
          client.findRecords({
            ...{ entity: node.entity, names: node.names, registry: registry.name, fields, limit },
            languages: of.languages,
            timeoutMs: Math.max(1, Math.floor(of.deadline - performance.now())),
          }),
        );
        const { organisation } = node;
        return records.map((record) => ({
          ...record,
          registry: registry.name,
          entity: node.entity,
          ...(organisation !== undefined && { organisation }),
        }));
      }),
    );
    return found.flat();
  }

  return {
    async pick({ caller, registry, field, typed, languages }) {
      checkPermitted({ caller, action: "record.write", registry });
      const { annotations } = await registries.getCurrent(registry);
      const reference = annotations.references.find(({ path }) => `/${path.join("/")}` === field);
      if (!reference) throw new AttestryError("query_invalid", '"field" names no reference of this registry');
      const words = typed.trim();
      if (words.length > PICK_QUERY_CHARS_MAX)
        throw new AttestryError("query_invalid", `"q" has at most ${PICK_QUERY_CHARS_MAX} characters`);
      const { type } = reference;
      const named = reference.registry === undefined ? undefined : parseRegistryUrl(reference.registry);
      const isOwn = named === undefined || named.entity === entity;
      const here = isOwn
        ? findHere(caller, { type, registry: named?.registry, typed: words, languages })
        : Promise.resolve([]);
      // It is awaited after the others; that it failed meanwhile must not end the process.
      here.catch(() => undefined);
      const nodes = words.length < PICK_QUERY_CHARS_ELSEWHERE_MIN ? [] : await listNodes(type, named);
      const chosen = nodes.slice(0, PICK_NODES_MAX);
      const deadline = performance.now() + PICK_TIMEOUT_MS;
      const answers = await Promise.all(
        chosen.map(async (node) => {
          try {
            return await findAt(node, { type, typed: words, languages, deadline });
          } catch (error) {
            if (isAttestryError(error)) return undefined;
            throw error;
          }
        }),
      );
      const nameOf = ({ organisation, entity: node }: AskedNode) => organisation ?? node;
      const items = [...(await here), ...answers.flatMap((found) => found ?? [])];
      return {
        items: items.slice(0, PICK_ITEMS_MAX),
        asked: chosen.filter((_, at) => answers[at] !== undefined).map(nameOf),
        silent: chosen.filter((_, at) => answers[at] === undefined).map(nameOf),
        isCut: items.length > PICK_ITEMS_MAX || nodes.length > PICK_NODES_MAX,
      };
    },
  };
}
