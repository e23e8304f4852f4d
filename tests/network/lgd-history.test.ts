// India's districts from 2011 to today on a federation: renamed, moved to another state, split, merged, corrected; asked at six dates.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { jwtDigest } from "../../src/records/record-url.ts";
import { type Answer, startTestNode, type TestNode } from "../node-fixture.ts";

const data = new URL("../../../shared/data/lgd/", import.meta.url).pathname;
const fixtures = new URL("../lgd/definitions/", import.meta.url).pathname;
const hasData = existsSync(data);
if (!hasData) console.log(`skipped: ${data} is not there, so the directory's history is not told`);

/** The columns of a row of the published files, whose cells hold no line breaks. */
function readRow(file: string, codeColumn: string, code: string): Record<string, string> {
  const [header = "", ...lines] = readFileSync(join(data, file), "utf8").split(/\r?\n/);
  const split = (line: string) =>
    [...line.matchAll(/("[^"]*"|[^,]*)(,|$)/g)].map((match) => match[1]!.replaceAll('"', "").trim());
  const names = split(header);
  const cells = lines.map(split).find((row) => row[names.indexOf(codeColumn)] === code);
  if (!cells) throw new Error(`${file} has no ${code}`);
  // Of columns with the same name the first counts.
  return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ""] as const).reverse());
}

// What was recorded when, in seconds since the first; statements of the federation live for an hour, so the years must fit into it.
const LOADED = 0;
const RENAMED = 500;
const MOVED = 1_000;
const SPLIT = 1_500;
const MERGED = 2_000;
const CORRECTED = 2_500;
const TODAY = 3_000;

describe.skipIf(!hasData)("the Local Government Directory, 2011 to today", () => {
  const nodes: TestNode[] = [];
  const start = Math.floor(Date.now() / 1_000) - TODAY;
  let elapsed = LOADED;
  let lgd: TestNode;
  let rural: TestNode;
  let agency: TestNode;
  // URLs of records, by a name of ours.
  const href: Record<string, string> = {};

  async function startNode(options: Parameters<typeof startTestNode>[0]): Promise<TestNode> {
    const node = await startTestNode({ ...options, clock: () => start + elapsed });
    nodes.push(node);
    return node;
  }

  const pathOf = (node: TestNode, name: string) => href[name]!.slice(node.entity.length);
  const instant = (seconds: number) => encodeURIComponent(new Date((start + seconds) * 1_000).toISOString());

  async function expectOk(answer: Promise<Answer>): Promise<JsonObject> {
    const { status, text, body } = await answer;
    expect(status, text).toBeLessThan(300);
    return body;
  }

  async function create(node: TestNode, registry: string, name: string, envelope: JsonObject): Promise<void> {
    const token = await node.token("registrar");
    const body = await expectOk(node.request("POST", `/registries/${registry}/records`, { token, json: envelope }));
    href[name] = body.href as string;
  }

  async function amend(node: TestNode, name: string, patch: JsonObject): Promise<JsonObject> {
    const token = await node.token("registrar");
    const { headers } = await node.request("GET", pathOf(node, name), { token });
    const json = { ...patch, act: { instrument: "Gazette" } };
    return expectOk(
      node.request("PATCH", pathOf(node, name), { token, json, headers: { "if-match": headers.get("etag")! } }),
    );
  }

  async function replace(
    node: TestNode,
    name: string,
    body: JsonObject,
    names: readonly string[],
  ): Promise<JsonObject> {
    const token = await node.token("registrar");
    const answer = await expectOk(node.request("POST", `${pathOf(node, name)}/replace`, { token, json: body }));
    (answer.replaced_by as string[]).forEach((url, at) => {
      href[names[at]!] = url;
    });
    return answer;
  }

  async function resolve(references: Json[], follow: string[][] = []): Promise<Record<string, JsonObject>> {
    const token = await agency.token("reader");
    const body = await expectOk(agency.request("POST", "/resolve", { token, json: { references, follow } }));
    return body.records as Record<string, JsonObject>;
  }

  /** A district of the published file, with what it was called and where it lay in 2011. */
  function district(code: string, then: { name?: string; state: string }): JsonObject {
    const row = readRow("districts.csv", "District Code", code);
    return { code, name: then.name ?? row["District Name"]!, state: href[then.state]! };
  }

  function state(code: string): JsonObject {
    const row = readRow("states.csv", "State Code", code);
    return { code, name: row["State Name"]!, kind: row["State or UT"] === "U" ? "union territory" : "state" };
  }

  function block(code: string, districts: readonly string[]): JsonObject {
    const row = readRow("blocks.csv", "Block Code", code);
    return {
      code,
      name: row["Block Name"]!,
      state: href.bengal!,
      districts: districts.map((name) => href[name]!),
    };
  }

  async function load2011(): Promise<void> {
    const since = { valid_from: "2011-01-01" };
    for (const [name, code] of Object.entries({ andhra: "28", uttar: "9", bengal: "19" }))
      await create(lgd, "states", name, { data: state(code), ...since });
    await create(lgd, "districts", "prayagraj", {
      data: district("120", { name: "ALLAHABAD", state: "uttar" }),
      ...since,
    });
    await create(lgd, "districts", "adilabad", { data: district("501", { state: "andhra" }), ...since });
    await create(lgd, "districts", "hyderabad", {
      data: district("507", { name: "HYDRABAD", state: "andhra" }),
      ...since,
    });
    // The directory of today no longer has the undivided district; it stands here under a code of its own.
    const undivided = { code: "19335", name: "BARDDHAMAN", state: href.bengal! };
    await create(lgd, "districts", "barddhaman", { data: undivided, ...since });
    for (const [name, code] of Object.entries({ galsi1: "2803", galsi2: "2804", faridpur: "2802" }))
      await create(rural, "blocks", name, { data: block(code, ["barddhaman"]), ...since });
  }

  async function tellTheYears(): Promise<void> {
    elapsed = RENAMED;
    await amend(lgd, "prayagraj", { data: { name: "PRAYAGRAJ" }, valid_from: "2018-10-16" });
    elapsed = MOVED;
    await create(lgd, "states", "telangana", { data: state("36"), valid_from: "2014-06-02" });
    for (const name of ["adilabad", "hyderabad"])
      await amend(lgd, name, { data: { state: href.telangana! }, valid_from: "2014-06-02" });
    elapsed = SPLIT;
    const since = { valid_from: "2017-04-07" };
    await replace(
      lgd,
      "barddhaman",
      {
        by: [
          { data: district("306", { state: "bengal" }), ...since },
          { data: district("704", { state: "bengal" }), ...since },
        ],
        effective: "2017-04-07",
        act: { instrument: "Gazette" },
      },
      ["purba", "paschim"],
    );
    await amend(rural, "galsi1", { data: { districts: [href.purba!] }, ...since });
    await amend(rural, "galsi2", { data: { districts: [href.purba!] }, ...since });
    elapsed = MERGED;
    const merged = { code: "19001", name: "GALSI", state: href.bengal!, districts: [href.purba!] };
    const also = [{ rid: href.galsi2!.slice(-36) }];
    await replace(
      rural,
      "galsi1",
      { by: [{ data: merged, valid_from: "2020-01-01" }], also, effective: "2020-01-01" },
      ["galsi"],
    );
    elapsed = CORRECTED;
    await amend(lgd, "hyderabad", {
      data: { name: "HYDERABAD", state: href.andhra! },
      valid_from: "2011-01-01",
      valid_until: "2014-06-01",
    });
    elapsed = TODAY;
  }

  /** `NAME @ state's name: state` of a record at a time, or its refusal. */
  async function tell(node: TestNode, name: string, query: string): Promise<string> {
    const { status, body } = await node.request("GET", `${pathOf(node, name)}?${query}`);
    if (status !== 200) return String(body.code);
    const fields = body.data as JsonObject;
    const places = Object.keys(href).filter(
      (one) => fields.state === href[one] || (fields.districts as Json[] | undefined)?.includes(href[one]!),
    );
    return `${String(fields.name)} @ ${places.join("+")}: ${String(body.state)}`;
  }

  beforeAll(async () => {
    const anchor = await startNode({});
    const types = ["states", "districts", "blocks"];
    const member = { superiors: [anchor.entity], anchors: [anchor.pin(types)] };
    lgd = await startNode({ ...member, path: "/lgd" });
    rural = await startNode({ ...member, path: "/rural" });
    agency = await startNode({ anchors: [anchor.pin(types)] });
    const { acceptSubordinate } = anchor.node.federation;
    await acceptSubordinate({ entity: lgd.entity, registryTypes: ["states", "districts"] });
    await acceptSubordinate({ entity: rural.entity, registryTypes: ["blocks"] });
    for (const [node, name] of [
      [lgd, "states"],
      [lgd, "districts"],
      [rural, "blocks"],
    ] as const) {
      const definition = JSON.parse(readFileSync(join(fixtures, `${name}.json`), "utf8")) as JsonObject;
      expect((await node.publish(definition)).status).toBe(201);
    }
    await load2011();
    await tellTheYears();
  });

  afterAll(async () => {
    for (const node of nodes.reverse()) await node.close();
  });

  // Written by hand from the gazettes' dates: what is right on each day.
  const none = "not_in_effect";
  const DATES = ["2012-04-01", "2014-06-02", "2017-04-06", "2017-04-07", "2018-10-16", "2026-01-01"];
  const EXPECTED: Readonly<Record<string, readonly string[]>> = {
    prayagraj: [
      "ALLAHABAD @ uttar: active",
      "ALLAHABAD @ uttar: active",
      "ALLAHABAD @ uttar: active",
      "ALLAHABAD @ uttar: active",
      "PRAYAGRAJ @ uttar: active",
      "PRAYAGRAJ @ uttar: active",
    ],
    adilabad: ["ADILABAD @ andhra: active", ...Array<string>(5).fill("ADILABAD @ telangana: active")],
    hyderabad: ["HYDERABAD @ andhra: active", ...Array<string>(5).fill("HYDRABAD @ telangana: active")],
    barddhaman: [
      ...Array<string>(3).fill("BARDDHAMAN @ bengal: active"),
      ...Array<string>(3).fill("BARDDHAMAN @ bengal: replaced"),
    ],
    purba: [none, none, none, ...Array<string>(3).fill("PURBA BARDHAMAN @ bengal: active")],
    telangana: [none, ...Array<string>(5).fill("TELANGANA @ : active")],
    galsi1: [
      ...Array<string>(3).fill("GALSI -I @ bengal+barddhaman: active"),
      "GALSI -I @ bengal+purba: active",
      "GALSI -I @ bengal+purba: active",
      "GALSI -I @ bengal+purba: replaced",
    ],
    galsi2: [
      ...Array<string>(3).fill("GALSI-II @ bengal+barddhaman: active"),
      "GALSI-II @ bengal+purba: active",
      "GALSI-II @ bengal+purba: active",
      "GALSI-II @ bengal+purba: replaced",
    ],
    galsi: [none, none, none, none, none, "GALSI @ bengal+purba: active"],
  };

  it("says what was in effect on six days between 2012 and 2026, on both nodes", async () => {
    for (const [name, expected] of Object.entries(EXPECTED)) {
      const node = name.startsWith("galsi") ? rural : lgd;
      const found = await Promise.all(DATES.map((date) => tell(node, name, `validAt=${date}`)));
      expect(found, name).toEqual(expected);
    }
  });

  it("lists the districts that were in effect on each day, with the states they lay in", async () => {
    const names = { prayagraj: "", adilabad: "", hyderabad: "", barddhaman: "", purba: "", paschim: "" };
    for (const [at, date] of DATES.entries()) {
      const { body } = await lgd.request("GET", `/registries/districts/records?validAt=${date}`);
      const listed = (body.records as JsonObject[]).map(
        (one) => `${String(one.href)} ${String((one.data as JsonObject).name)} ${String(one.state)}`,
      );
      const expected = Object.keys(names).flatMap((name) => {
        const told = name === "paschim" ? EXPECTED.purba![at]!.replace("PURBA", "PASCHIM") : EXPECTED[name]![at]!;
        return told === none ? [] : [`${href[name]} ${told.replace(/ @ .*: /, " ")}`];
      });
      expect(listed.sort(), date).toEqual(expected.sort());
    }
  });

  it("says what was recorded at each moment, before and after the correction of 2011's misspelling", async () => {
    const then = (seconds: number, validAt: string) =>
      tell(lgd, "hyderabad", `asOf=${instant(seconds)}&validAt=${validAt}`);
    expect(await then(LOADED - 1, "2012-04-01")).toBe("record_unknown");
    expect(await then(LOADED, "2012-04-01")).toBe("HYDRABAD @ andhra: active");
    expect(await then(MERGED, "2012-04-01")).toBe("HYDRABAD @ andhra: active");
    expect(await then(CORRECTED, "2012-04-01")).toBe("HYDERABAD @ andhra: active");
    expect(await then(LOADED, "2016-01-01")).toBe("HYDRABAD @ andhra: active");
    expect(await then(MOVED, "2016-01-01")).toBe("HYDRABAD @ telangana: active");
    expect(await tell(lgd, "barddhaman", `asOf=${instant(MOVED)}&validAt=2020-01-01`)).toBe(
      "BARDDHAMAN @ bengal: active",
    );
    expect(await tell(lgd, "barddhaman", "")).toBe("BARDDHAMAN @ bengal: replaced");
  });

  it("names successors and predecessors, and follows none silently", async () => {
    const split = [href.purba!, href.paschim!];
    const records = await resolve([href.barddhaman!, href.galsi2!, href.purba!, href.galsi!]);
    expect(records[href.barddhaman!]).toMatchObject({ outcome: "record_replaced", successors: split, version: 1 });
    expect(records[href.barddhaman!]!.message).toContain(
      `since 2017-04-07 by ${split.join(", ")}; refer to one of these`,
    );
    expect(records[href.barddhaman!]).not.toHaveProperty("data");
    expect(records[href.galsi2!]).toMatchObject({ outcome: "record_replaced", successors: [href.galsi] });
    expect([records[href.purba!]!.outcome, records[href.galsi!]!.outcome]).toEqual(["verified", "verified"]);
    expect(Object.keys(records)).toHaveLength(4);
    const viewOf = async (node: TestNode, name: string) => (await node.request("GET", pathOf(node, name))).body;
    expect(await viewOf(lgd, "barddhaman")).toMatchObject({ state: "replaced", replaced_by: split });
    expect(await viewOf(lgd, "paschim")).toMatchObject({ replaces: [href.barddhaman] });
    expect(await viewOf(rural, "galsi")).toMatchObject({ replaces: [href.galsi1, href.galsi2] });
  });

  it("has its references verified by a third node, across two, as they are today", async () => {
    const records = await resolve([href.galsi!, href.faridpur!, href.adilabad!], [["districts", "state"], ["state"]]);
    expect(records[href.galsi!]).toMatchObject({ outcome: "verified", links: { districts: [href.purba] } });
    expect(records[href.purba!]).toMatchObject({ outcome: "verified", issuer: lgd.entity });
    expect(records[href.adilabad!]).toMatchObject({ outcome: "verified", links: { state: [href.telangana] } });
    // This block still refers to the undivided district, and its reader is told so.
    expect(records[href.faridpur!]).toMatchObject({ outcome: "verified", links: { districts: [href.barddhaman] } });
    expect(records[href.barddhaman!]).toMatchObject({ outcome: "record_replaced" });
  });

  it("does not sign a new reference to a district that was split, and signs one that is pinned to what it was", async () => {
    const refused = await rural.request("POST", "/registries/blocks/records", {
      token: await rural.token("registrar"),
      json: { data: { ...block("2802", ["barddhaman"]), code: "19002" } },
    });
    expect([refused.status, refused.body.code]).toEqual([422, "reference_unresolved"]);
    expect(refused.text).toContain(`was replaced since 2017-04-07 by ${href.purba}, ${href.paschim}`);
    const { body } = await lgd.request("GET", pathOf(lgd, "barddhaman"));
    const digest = jwtDigest(String(body.token).split("~")[0]!);
    const pinned = { href: href.barddhaman!, version: 1, digest };
    const key = `${href.barddhaman}#1.${digest}`;
    expect((await resolve([pinned]))[key]).toMatchObject({ outcome: "verified", data: { name: "BARDDHAMAN" } });
    const older = await lgd.request("GET", `${pathOf(lgd, "prayagraj")}?version=1`);
    const allahabad = { href: href.prayagraj!, version: 1, digest: jwtDigest(String(older.body.token).split("~")[0]!) };
    expect((await resolve([allahabad]))[`${href.prayagraj}#1.${allahabad.digest}`]).toMatchObject({
      outcome: "verified",
      data: { name: "ALLAHABAD" },
    });
  });

  it("tells each record's life", async () => {
    const operations = async (node: TestNode, name: string) => {
      const { body } = await node.request("GET", `${pathOf(node, name)}/history`);
      return (body.entries as JsonObject[]).map(({ operation }) => operation).join(" ");
    };
    expect(await operations(lgd, "barddhaman")).toBe("replace create");
    expect(await operations(lgd, "hyderabad")).toBe("amend amend amend create");
    expect(await operations(rural, "galsi2")).toBe("replace amend create");
  });
});
