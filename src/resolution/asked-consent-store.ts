// SQL of the consents that this node asked for. Knows no rule.
import { and, asc, desc, eq, gt, lt, or } from "drizzle-orm";
import type { ConsentState } from "../consent/consent.ts";
import type { Database } from "../storage/database.ts";
import { askedConsentTable } from "./asked-consent-table.ts";

export type StoredAskedConsent = Omit<typeof askedConsentTable.$inferSelect, "state"> & {
  readonly state: ConsentState;
};

export interface AskedConsentFilter {
  readonly caseNumber?: string | undefined;
  /** After this one goes the page. */
  readonly after?: { readonly askedAt: number; readonly id: string } | undefined;
}

/** How its home node says that it stands. */
export type AskedConsentUpdate = Pick<
  StoredAskedConsent,
  "id" | "state" | "fields" | "isOneTime" | "isUsed" | "startsAt" | "expiresAt" | "readAt"
>;

/** One that is there stays whose it is, and is brought to how it stands. */
export async function upsertAskedConsent(database: Database, consent: StoredAskedConsent): Promise<void> {
  const { state, fields, isOneTime, isUsed, startsAt, expiresAt, readAt } = consent;
  await database.orm
    .insert(askedConsentTable)
    .values({ ...consent, requestedFields: [...consent.requestedFields], fields: [...fields] })
    .onConflictDoUpdate({
      target: askedConsentTable.id,
      set: { state, fields: [...fields], isOneTime, isUsed, startsAt, expiresAt, readAt },
    });
}

export async function updateAskedConsents(database: Database, updates: readonly AskedConsentUpdate[]): Promise<void> {
  for (const { id, ...set } of updates)
    await database.orm.update(askedConsentTable).set(set).where(eq(askedConsentTable.id, id));
}

export async function findAskedConsent(database: Database, id: string): Promise<StoredAskedConsent | undefined> {
  const [row] = await database.orm.select().from(askedConsentTable).where(eq(askedConsentTable.id, id));
  return row as StoredAskedConsent | undefined;
}

/** Newest first. */
export async function listAskedConsents(
  database: Database,
  { caseNumber, after }: AskedConsentFilter,
  limit: number,
): Promise<StoredAskedConsent[]> {
  const table = askedConsentTable;
  const conditions = [
    caseNumber === undefined ? undefined : eq(table.caseNumber, caseNumber),
    after === undefined
      ? undefined
      : or(lt(table.askedAt, after.askedAt), and(eq(table.askedAt, after.askedAt), gt(table.id, after.id))),
  ];
  const rows = await database.orm
    .select()
    .from(table)
    .where(and(...conditions))
    .orderBy(desc(table.askedAt), asc(table.id))
    .limit(limit);
  return rows as StoredAskedConsent[];
}

export async function deleteAskedConsents(database: Database, { before }: { readonly before: number }): Promise<void> {
  await database.orm.delete(askedConsentTable).where(lt(askedConsentTable.expiresAt, before));
}
