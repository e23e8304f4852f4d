// SQL of the registries. Knows no rule and no cache.
import { and, asc, desc, eq } from "drizzle-orm";
import { VERSION_MAX } from "../limits.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { registryDefinitionTable, registryTable } from "./registry-table.ts";

export interface StoredDefinition {
  readonly registry: string;
  readonly version: number;
  readonly text: string;
  readonly logIndex: number;
  readonly publishedAt: number;
}

export async function findCurrentDefinition(
  database: Database,
  registry: string,
): Promise<StoredDefinition | undefined> {
  const rows = await database.orm
    .select()
    .from(registryDefinitionTable)
    .where(eq(registryDefinitionTable.registry, registry))
    .orderBy(desc(registryDefinitionTable.version))
    .limit(1);
  return rows[0];
}

export async function findDefinition(
  database: Database,
  options: { registry: string; version: number },
): Promise<StoredDefinition | undefined> {
  // A number that the column cannot hold is an error to PostgreSQL, not a row that is missing.
  if (options.version > VERSION_MAX) return undefined;
  const rows = await database.orm
    .select()
    .from(registryDefinitionTable)
    .where(
      and(eq(registryDefinitionTable.registry, options.registry), eq(registryDefinitionTable.version, options.version)),
    );
  return rows[0];
}

/** The versions of one registry, oldest first. */
export async function listDefinitions(database: Database, registry: string): Promise<StoredDefinition[]> {
  return database.orm
    .select()
    .from(registryDefinitionTable)
    .where(eq(registryDefinitionTable.registry, registry))
    .orderBy(asc(registryDefinitionTable.version));
}

export async function listRegistryNames(
  database: Database,
): Promise<{ name: string; type: string; version: number }[]> {
  return database.orm.select().from(registryTable).orderBy(asc(registryTable.name));
}

/** The registries' current versions, read inside the writer's transaction. */
export async function readCurrentVersions(
  tx: Transaction,
  registries: readonly string[],
): Promise<Map<string, number>> {
  const rows = await tx<
    { name: string; version: number }[]
  >`select name, version from registry where name = any(${registries as string[]})`;
  return new Map(rows.map((row) => [row.name, row.version]));
}

export async function insertDefinition(tx: Transaction, row: StoredDefinition & { type: string }): Promise<void> {
  await tx`
    insert into registry (name, type, version) values (${row.registry}, ${row.type}, ${row.version})
    on conflict (name) do update set type = excluded.type, version = excluded.version`;
  await tx`
    insert into registry_definition (registry, version, text, log_index, published_at)
    values (${row.registry}, ${row.version}, ${row.text}, ${row.logIndex}, ${row.publishedAt})`;
}
