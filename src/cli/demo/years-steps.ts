// Steps of the story about a record over years: a district that is renamed, is found as it was, and is split in two; its history in words.
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { NodeClient } from "../node-client.ts";
import { demand, demandRefusal, parseAnswer } from "./agency.ts";
import { resolveAt } from "./record-steps.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

interface Page {
  readonly records: readonly RecordView[];
}

function pathOf(client: NodeClient, record: RecordView): string {
  return record.href.slice(client.baseUrl.length);
}

async function post(client: NodeClient, path: string, body: JsonObject): Promise<string> {
  return client.send({ method: "POST", path, body: JSON.stringify(body), contentType: "application/json" });
}

async function find(client: NodeClient, query: Readonly<Record<string, string>>): Promise<readonly RecordView[]> {
  return ((await client.getJson("/registries/districts/records", { query })) as unknown as Page).records;
}

/** A district of 2011 renamed in 2018: found by either name, each in its time; a name for the future is not signed. */
export async function proveTime(
  federation: DemoFederation,
  options: { code: string; state: string },
): Promise<{ proved: string[]; district: RecordView }> {
  const registrar = clientOf(getParty(federation, "local-government"), "registrar");
  const data = { code: `${options.code}3`, name: "Queensferry", state: options.state };
  const district = parseAnswer<RecordView>(
    await post(registrar, "/registries/districts/records", { data, valid_from: "2011-04-01" }),
  );
  const rename = (name: string, validFrom: string, etag: string) =>
    registrar.send({
      method: "PATCH",
      path: pathOf(registrar, district),
      body: JSON.stringify({ data: { name }, valid_from: validFrom, act: { instrument: "Order 44 of 2018" } }),
      contentType: "application/merge-patch+json",
      headers: { "if-match": `"${etag}"` },
    });
  await rename("Ferrymouth", "2018-10-16", "1.0");
  await demandRefusal("record_invalid", () => rename("Tomorrow", "2099-01-01", "2.0"), "a name from 2099 on");

  const stranger = clientOf(getParty(federation, "local-government"));
  const nameAt = async (validAt: string): Promise<Json | undefined> =>
    ((await stranger.getJson(pathOf(stranger, district), { query: { validAt } })) as unknown as RecordView).data.name;
  const names = [await nameAt("2015-01-01"), await nameAt("2018-10-15"), await nameAt("2018-10-16")];
  demand(names.join() === "Queensferry,Queensferry,Ferrymouth", `the district's names in effect are ${names.join()}`);
  await demandRefusal("not_in_effect", () => nameAt("2010-01-01"), "the district a year before it was made");

  const byPrefix = (validAt: string) => find(stranger, { "name[prefix]": "queensf", code: data.code, validAt });
  const [then, later] = [await byPrefix("2016-06-01"), await byPrefix("2020-06-01")];
  demand(
    then.length === 1 && later.length === 0,
    `"queensf…" finds ${then.length} in 2016 and ${later.length} in 2020`,
  );
  return {
    district,
    proved: [
      "in effect on 15 October 2018: Queensferry; a day later: Ferrymouth; in 2010: not_in_effect",
      '"queensf…" finds it among the districts of 2016, and not among those of 2020',
    ],
  };
}

/** The district is split in two in one stroke; whoever still refers to it is told the successors, and follows none unasked. */
export async function proveSplit(
  federation: DemoFederation,
  options: { code: string; state: string; district: RecordView },
): Promise<string[]> {
  const registrar = clientOf(getParty(federation, "local-government"), "registrar");
  const rural = clientOf(getParty(federation, "rural-development"), "registrar");
  const { code, state, district } = options;
  const part = (number: number, name: string) => ({ data: { code: `${code}${number}`, name, state } });
  const replaced = parseAnswer<RecordView>(
    await post(registrar, `${pathOf(registrar, district)}/replace`, {
      by: [part(4, "Ferrymouth East"), part(5, "Ferrymouth West")],
      act: { reason: "divided", instrument: "Order 7 of 2026" },
    }),
  );
  const successors = replaced.replaced_by ?? [];
  demand(
    replaced.state === "replaced" && successors.length === 2,
    `after the split the district is ${replaced.state} and names ${successors.length} successors`,
  );
  const { records } = await resolveAt(
    clientOf(getParty(federation, "rural-development"), "reader"),
    [district.href],
    [],
  );
  const found = records[district.href];
  demand(
    found?.outcome === "record_replaced" && found.successors?.join() === successors.join(),
    `the split district resolves to ${found?.outcome ?? "nothing"} with ${found?.successors?.length ?? 0} successors`,
  );
  const refer = () =>
    post(rural, "/registries/blocks/records", {
      data: { code: `${code}3-1`, name: "Too late", district: district.href },
    });
  await demandRefusal("reference_unresolved", refer, "a new block of a district that was split");
  return [
    "one district replaced by two in one transaction; it resolves as record_replaced and names both, following neither",
    "a new block of the old district is not signed: reference_unresolved",
  ];
}

/** The life of that district, newest first, as its page tells it. */
export async function proveHistory(federation: DemoFederation, district: RecordView): Promise<string[]> {
  const stranger = clientOf(getParty(federation, "local-government"));
  const history = (await stranger.getJson(`${pathOf(stranger, district)}/history`)) as unknown as {
    entries: readonly { operation: string }[];
  };
  const operations = history.entries.map(({ operation }) => operation).join();
  demand(operations === "replace,amend,create", `the history of the district is ${operations}`);
  const page = await stranger.send({ path: pathOf(stranger, district), headers: { accept: "text/html" } });
  demand(page.includes("<html") && page.includes("Queensferry"), "the page of the district does not tell its history");
  return ["its history for people and programs: made, renamed, split, with what changed and on which order"];
}
