// What `/` tells, gathered once for both its forms, page and JSON. Holds nothing that is not public anyway.
import { encodeBase64 } from "../crypto/base64.ts";
import type { Access } from "../identity/permissions.ts";
import { parseCheckpoint } from "../log/checkpoint.ts";
import { parseEntry } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import type { LocalizedText } from "../registries/localized-text.ts";
import type { RegistryService } from "../registries/registry-service.ts";

export interface HomeDeps {
  readonly entity: string;
  readonly organizationName: string;
  readonly superiors: readonly string[];
  /** Whether it keeps no registries, and checks the records of others. */
  readonly isConsumer: boolean;
  readonly registries: Pick<RegistryService, "list">;
  readonly federation: { listSubordinates(): Promise<string[]> };
  readonly reader: Pick<LogReader, "checkpoint" | "receipt">;
  /** By registry name. */
  readonly countRecords: () => Promise<ReadonlyMap<string, number>>;
}

export interface RegistrySummary {
  readonly name: string;
  readonly type: string;
  readonly title: LocalizedText;
  readonly description: LocalizedText | undefined;
  readonly access: Access;
  readonly version: number;
  /** Of a public registry: of another, a count that anyone may watch grow would tell that somebody was recorded just now. */
  readonly recordCount: number | undefined;
}

export interface LogSummary {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** Unix seconds, by this node's own clock; undefined for an empty log. */
  readonly lastEntryAt: number | undefined;
}

export interface HomeView {
  readonly entity: string;
  readonly organizationName: string;
  readonly superiors: readonly string[];
  readonly subordinates: readonly string[];
  readonly isConsumer: boolean;
  readonly registries: readonly RegistrySummary[];
  readonly log: LogSummary;
}

async function summarizeLog(reader: HomeDeps["reader"]): Promise<LogSummary> {
  const note = await reader.checkpoint();
  // C2SP signed-note: the text ends at the first blank line. It is our own, so its signature is not checked here.
  const { origin, size, root } = parseCheckpoint(note.slice(0, note.indexOf("\n\n") + 1));
  const lastEntryAt = size === 0 ? undefined : parseEntry((await reader.receipt(size - 1)).entry).t;
  return { origin, size, root: encodeBase64(root), lastEntryAt };
}

/** Throws what the log reader throws. */
export async function loadHomeView(deps: HomeDeps): Promise<HomeView> {
  const [compiled, counts, subordinates, log] = await Promise.all([
    deps.registries.list(),
    deps.countRecords(),
    deps.federation.listSubordinates(),
    summarizeLog(deps.reader),
  ]);
  const registries = compiled.map(({ definition, version }) => ({
    name: definition.name,
    type: definition.type,
    title: definition.title,
    description: definition.description,
    access: definition.access,
    version,
    recordCount: definition.access === "public" ? (counts.get(definition.name) ?? 0) : undefined,
  }));
  const { entity, organizationName, superiors, isConsumer } = deps;
  return { entity, organizationName, superiors, subordinates, isConsumer, registries, log };
}

/** The view as programs get it. */
export function describeHome(view: HomeView): Record<string, unknown> {
  const { entity, log } = view;
  return {
    entity,
    organization_name: view.organizationName,
    superiors: view.superiors,
    ...(view.isConsumer && { consumer: true }),
    subordinates: view.subordinates,
    registries: view.registries.map(({ recordCount, description, ...registry }) => ({
      ...registry,
      ...(description !== undefined && { description }),
      ...(recordCount !== undefined && { records: recordCount }),
      links: {
        self: `${entity}/registries/${registry.name}`,
        records: `${entity}/registries/${registry.name}/records`,
        schema: `${entity}/registries/${registry.name}/schema/${registry.version}`,
      },
    })),
    log: {
      origin: log.origin,
      size: log.size,
      root: log.root,
      ...(log.lastEntryAt !== undefined && { last_entry_at: new Date(log.lastEntryAt * 1_000).toISOString() }),
      checkpoint: `${entity}/log/records/checkpoint`,
    },
    links: {
      self: entity,
      configuration: `${entity}/.well-known/openid-federation`,
      registries: `${entity}/registries`,
      resolve: `${entity}/resolve`,
    },
  };
}
