// Erasures beside everything else that can be asked of a record: no reader meets half a record, and no node fails.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Json } from "../../src/crypto/json.ts";
import { createRecordHistoryService } from "../../src/records/record-history-service.ts";
import { createRecordSealer } from "../../src/records/record-sealer.ts";
import { createRecordViewer } from "../../src/records/record-viewer.ts";
import { createRecordSight } from "../../src/records/search/record-sight-service.ts";
import type { Database, Sql } from "../../src/storage/database.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";
import { expectSoundLog } from "../record-proofs.ts";

let node: TestNode;
let plots: RecordCalls;
let reader: string;

beforeAll(async () => {
  node = await startTestNode();
  const published = await node.publish(
    definition("plots", {
      properties: {
        owner: { type: "string", "x-personal": true, "x-search": "exact" },
        area: { type: "integer", "x-search": "range" },
      },
      members: { statistics: [{ name: "by-area", fields: ["area"] }] },
    }),
  );
  expect(published.status, published.text).toBe(201);
  plots = await createRecordCalls(node, "plots");
  reader = await node.token("reader");
});

afterAll(() => node?.close());

const READS = [
  "",
  "?version=1",
  "?asOf=2999-01-01",
  "/versions",
  "/history",
  "/evidence",
  "/receipt",
  "/receipt?state=1",
];
const LISTS = ["", "?area[gte]=0&sort=-area", "?asOf=2999-01-01", "?code=r3", "?code=r3&asOf=2999-01-01"];

it("lets every reader see the record whole or erased, whenever it is erased", async () => {
  const rids: unknown[] = [];
  for (let at = 0; at < 24; at++) {
    const { rid } = await plots.create({ code: `r${at}`, name: "Plot", owner: `Owner ${at}`, area: at });
    await plots.amend(rid, "1.0", { data: { area: at + 100 } });
    await plots.change(rid, "suspend");
    await plots.change(rid, "reinstate");
    rids.push(rid);
  }
  const answers: string[] = [];
  const read = async (path: string, token?: string): Promise<void> => {
    const { status, text } = await node.request("GET", path, { token });
    if (![200, 410].includes(status)) answers.push(`${path.replace(/[0-9a-f-]{36}/, "…")}: ${status} ${text}`);
  };
  await Promise.all(
    rids.map(async (rid, at) => {
      const readers = async (token: string | undefined) => {
        for (let round = 0; round < 3; round++)
          await Promise.all([
            ...READS.map((below) => read(`${plots.path(rid)}${below}`, token)),
            read(`/registries/plots/records${LISTS[(at + round) % LISTS.length]}`, token),
          ]);
      };
      const erase = async () => {
        const answer = await plots.change(rid, "erase", { act: { reason: "court order", instrument: "Order 7" } });
        expect(answer.status, answer.text).toBe(200);
      };
      await Promise.all([readers(reader), readers(undefined), erase()]);
    }),
  );
  expect([...new Set(answers)]).toEqual([]);
  await expectSoundLog(node);
}, 60_000);

/** The node's database, which does something else right before it is asked for the content of versions. */
function interrupted(database: Database, before: () => Promise<unknown>): Database {
  const sql = new Proxy(database.sql, {
    apply(target, _self, [strings, ...values]: [TemplateStringsArray, ...Json[]]) {
      const run = () => (target as Sql)(strings, ...(values as never[]));
      return strings.join("").includes("and jwt is not null") ? before().then(run) : run();
    },
  });
  return { ...database, sql };
}

it("tells who reads on about a record that is erased meanwhile that it was erased, or what is left of it", async () => {
  const { entity, secrets } = node;
  const sealer = createRecordSealer({ entity, nodeKey: secrets.wrappingKey });
  const caller = { kind: "anonymous" } as const;
  const start = async (code: string) => {
    const { rid } = await plots.create({ code, name: "Plot", owner: "Owner", area: 1 });
    await plots.change(rid, "suspend");
    const erase = () => plots.change(rid, "erase", { act: { reason: "court order", instrument: "Order 7" } });
    const service = createRecordHistoryService({
      entity,
      database: interrupted(node.database.database, erase),
      registries: node.node.registries,
      sealer,
      viewer: createRecordViewer({ entity, sealer }),
      sight: createRecordSight({ database: node.database.database, searchKey: secrets.searchKey }),
      async logReadings(shown) {
        expect(shown).toEqual([]);
        return [];
      },
    });
    return { service, options: { caller, registry: "plots", rid: String(rid) } };
  };
  const one = await start("one");
  await expect(one.service.versions(one.options)).rejects.toMatchObject({ code: "record_erased" });
  const two = await start("two");
  const { entries } = await two.service.history(two.options);
  expect(entries.map(({ operation, changes }) => [operation, changes])).toEqual([
    ["suspend", undefined],
    ["create", undefined],
  ]);
});
