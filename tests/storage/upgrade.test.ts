// A database of the first release is brought to this one: what it held is found, counted and in effect as before.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applyMigrations } from "../../src/storage/migrations.ts";
import { createTestDatabase } from "../database.ts";

const DRIZZLE = new URL("../../drizzle", import.meta.url).pathname;

function tokenOf(payload: object): string {
  return `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.AAAA`;
}

it("reads effective times out of tokens, counts states and frees what was revoked", async () => {
  const test = await createTestDatabase();
  const folder = mkdtempSync(join(tmpdir(), "attestry-upgrade-"));
  try {
    const { sql } = test.database;
    await sql.unsafe("DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
    cpSync(DRIZZLE, folder, { recursive: true });
    const journalPath = join(folder, "meta", "_journal.json");
    const journal = JSON.parse(readFileSync(journalPath, "utf8")) as { entries: unknown[] };
    const applyFirst = (count: number) => {
      writeFileSync(journalPath, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
      return applyMigrations(test.database, folder);
    };
    expect(await applyFirst(1)).toEqual(["0000_spine"]);

    const [dated, timed, revoked] = [1, 2, 3].map((n) => `00000000-0000-8000-8000-00000000000${n}`) as [
      string,
      string,
      string,
    ];
    await sql`insert into registry values ('places', 'places', 2)`;
    for (const [at, [rid, state, claims]] of (
      [
        [dated, "active", { valid_from: "2011-04-01", valid_until: "2018-10-15", name: "Müller ≥ 1" }],
        [timed, "active", { valid_from: "2020-02-29T05:30:00+05:30" }],
        [revoked, "revoked", {}],
      ] as const
    ).entries()) {
      await sql`insert into record values (${rid}, 'places', null, ${state}, 1, ${state === "revoked" ? 1 : 0}, 'k', ${at})`;
      await sql`insert into record_version values (${rid}, 1, 1, ${tokenOf(claims)}, 's', 0, ${at}, ${at}, 100)`;
      await sql`insert into record_key values (${`d${at}`}, 'places', 'code', ${rid})`;
    }
    await sql`insert into record_state values (${revoked}, 1, 'revoke', 'statement', 's', 3, 200)`;

    expect(await applyFirst(7)).toContain("0006_consent");
    const href = "https://civil.example/registries/places/records/1";
    await sql`insert into access_receiver ${sql([
      { consumer: "https://welfare.example", rid: timed, purpose: "care", log_index: 5, at: 150 },
      { consumer: "https://tax.example", rid: timed, purpose: "care", log_index: 6, at: 99 },
    ])}`;
    await sql`insert into erasure_notice ${sql({ href, home: "https://civil.example", erased_at: 1, received_at: 2, statement: "s" })}`;

    expect((await applyMigrations(test.database)).length).toBeGreaterThan(0);
    // Recorded at second 100: whoever read before cannot have been given it.
    expect(await sql`select consumer, rid, version from access_version_receiver`).toEqual([
      { consumer: "https://welfare.example", rid: timed, version: 1 },
    ]);
    expect(await sql`select href, version from erasure_notice`).toEqual([{ href, version: 0 }]);
    const versions = await sql`select rid, valid_from, valid_until from record_version order by rid`;
    expect(versions.map((row) => [row.valid_from, row.valid_until])).toEqual([
      // date -u -d 2011-04-01 +%s; of 2018-10-16, the first instant after the last day.
      [1_301_616_000, 1_539_648_000],
      // date -u -d 2020-02-29T00:00:00Z +%s
      [1_582_934_400, null],
      [null, null],
    ]);
    expect(await sql`select rid, state, effective_at from record_state`).toEqual([
      { rid: revoked, state: "revoked", effective_at: 0 },
    ]);
    expect(await sql`select digest from record_key order by digest`).toEqual([{ digest: "d0" }, { digest: "d1" }]);
    expect(await sql`select cell, count from record_statistic where name = '' order by cell`).toEqual([
      { cell: "active", count: 2 },
      { cell: "revoked", count: 1 },
    ]);
    expect(await sql`select registry, definition_version, total, complete from record_index`).toEqual([
      { registry: "places", definition_version: 2, total: 3, complete: false },
    ]);
  } finally {
    await test.drop();
    rmSync(folder, { recursive: true, force: true });
  }
});
