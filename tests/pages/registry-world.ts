// A node with registries of every kind that pages show, filled over real HTTP. Test code only.
import type { JsonObject } from "../../src/crypto/json.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";

export const STATES: JsonObject = {
  name: "states",
  type: "states",
  title: { en: "States", hi: "राज्य" },
  access: "public",
  display: { en: "{name.en}", hi: "{name.hi}" },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "name"],
    properties: {
      code: { type: "string", "x-unique": true },
      name: {
        type: "object",
        additionalProperties: false,
        properties: { en: { type: "string", "x-search": "prefix" }, hi: { type: "string" } },
      },
    },
  },
};

export const DISTRICTS: JsonObject = {
  name: "districts",
  type: "districts",
  title: { en: "Districts", hi: "ज़िले", ur: "اضلاع" },
  description: { en: "The districts of each state <and> what is known of them.", hi: "प्रत्येक राज्य के ज़िले।" },
  access: "public",
  display: "{name}",
  identifier: { field: "code" },
  statistics: [{ name: "by-kind", fields: ["state", "kind"], smallest: 5 }],
  answers: { exists: true, matches: ["name", "population"] },
  acts: { reasons: { census: { en: "Counted anew", hi: "नई गणना" }, notification: "Notified in the gazette" } },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "name", "state"],
    properties: {
      code: { type: "string", "x-unique": true, "x-title": { en: "Code", hi: "कोड" } },
      name: { type: "string", "x-search": "prefix", "x-title": { en: "Name", hi: "नाम" } },
      localName: { type: "string", "x-title": "Name in the local language" },
      state: {
        type: "string",
        format: "uri",
        "x-reference": { type: "states", onWrite: "accept" },
        "x-search": "exact",
        "x-title": { en: "State", hi: "राज्य" },
      },
      population: {
        type: "integer",
        minimum: 0,
        "x-search": "range",
        "x-title": { en: "Population", hi: "जनसंख्या" },
        "x-description": { en: "At the last census." },
      },
      kind: {
        type: "string",
        enum: ["rural", "urban"],
        "x-search": "exact",
        "x-title": { en: "Kind", hi: "प्रकार" },
        "x-labels": { rural: { en: "Mostly rural", hi: "ग्रामीण" }, urban: { en: "Mostly urban", hi: "शहरी" } },
      },
      established: { type: "string", format: "date", "x-search": "range", "x-title": "Established on" },
      yearOfSurvey: { type: "integer", minimum: 1800, maximum: 2200 },
      hasCourt: { type: "boolean", "x-title": "Has a court of its own" },
      website: { type: "string", format: "uri" },
      languages: { type: "array", items: { type: "string" } },
      office: {
        type: "object",
        additionalProperties: false,
        properties: {
          city: { type: "string" },
          postcode: { type: "string" },
          head: { type: "string", "x-personal": true },
        },
      },
      remarks: { type: "string" },
    },
  },
};

/** Personal records: a page tells what they are and shows none. */
export const BIRTHS: JsonObject = {
  name: "births",
  type: "births",
  title: "Births",
  description: { en: "Who was born where and when." },
  access: "consent",
  schema: {
    type: "object",
    additionalProperties: false,
    properties: { child: { type: "string", "x-title": "Name of the child" }, born: { type: "string", format: "date" } },
  },
};

export const RETIRED: JsonObject = {
  name: "talukas",
  type: "talukas",
  title: "Talukas",
  access: "public",
  retired: {
    reason: { en: "Talukas are called blocks since 2020." },
    successor: "https://example.org/registries/blocks",
  },
  schema: { type: "object", additionalProperties: false, properties: { name: { type: "string" } } },
};

export const WIDE_FIELDS = 50;

/** A record of fifty fields, each with a long name and most of them empty. */
export const SURVEYS: JsonObject = {
  name: "surveys",
  type: "surveys",
  title: "Household amenities survey of the North-Eastern development region, long form, second revision",
  access: "public",
  schema: {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(
      Array.from({ length: WIDE_FIELDS }, (_, number) => [
        `shareOfHouseholdsWithAmenity${number}`,
        { type: number % 3 === 0 ? "number" : "string", ...(number < 12 && { "x-search": "exact" }) },
      ]),
    ),
  },
};

export const LONG_NAME = "Thiruvananthapuram-Neyyattinkara-Nedumangad-Chirayinkeezhu-Varkala-Kattakada";

/** More than one page of a table. */
export const MANY = 120;

export type RecordName =
  | "punjab"
  | "kerala"
  | "ludhiana"
  | "urdu"
  | "long"
  | "bare"
  | "survey"
  | "revoked"
  | "suspended"
  | "ended"
  | "replaced"
  | "erased";

export interface RegistryWorld {
  readonly node: TestNode;
  /** Views of records by what the tests call them. */
  readonly records: Readonly<Record<RecordName, JsonObject>>;
}

export async function startRegistryWorld(): Promise<RegistryWorld> {
  const node = await startTestNode({ path: "/lgd" });
  for (const definition of [STATES, DISTRICTS, BIRTHS, RETIRED, SURVEYS]) {
    const answer = await node.publish(definition);
    if (answer.status !== 201) throw new Error(answer.text);
  }
  const states = await createRecordCalls(node, "states");
  const districts = await createRecordCalls(node, "districts");
  const surveys = await createRecordCalls(node, "surveys");
  const punjab = await states.create({ code: "03", name: { en: "Punjab", hi: "पंजाब" } });
  const kerala = await states.create({ code: "32", name: { en: "Kerala", hi: "केरल" } });
  let ludhiana = await districts.create({
    code: "PB-15",
    name: "Ludiana",
    localName: "ਲੁਧਿਆਣਾ · लुधियाना",
    state: punjab.href!,
    population: 3_498_739,
    kind: "urban",
    established: "1849-01-01",
    yearOfSurvey: 2011,
    hasCourt: true,
    website: "https://ludhiana.example/",
    languages: ["Punjabi", "Hindi"],
    office: { city: "Ludhiana", postcode: "141001", head: "Asha Devi" },
    remarks: "First line.\nSecond line <script>alert(1)</script>.",
  });
  ludhiana = await districts.amend(ludhiana.rid, "1.0", {
    data: { name: "Ludhiana", population: 3_600_000 },
    valid_from: "2021-03-01",
    act: { reason: "census", instrument: "Census Notification 7/2021" },
  });
  const urdu = await districts.create({
    code: "UP-46",
    name: "ضلع مظفر نگر",
    state: punjab.href!,
    population: 4_143_512,
  });
  const long = await districts.create({
    code: "KL-14",
    name: LONG_NAME,
    state: kerala.href!,
    remarks: "https://example.org/a/very/long/address/without/any/break/".repeat(3),
  });
  const bare = await districts.create({
    code: "PB-99",
    name: "Nowhere",
    state: "https://elsewhere.example/lgd/registries/states/records/7c9e6679-7425-8de9-944b-e07fc1f90ae7",
  });
  const survey = await surveys.create({ shareOfHouseholdsWithAmenity0: 0.25, shareOfHouseholdsWithAmenity1: "some" });
  const token = await node.token("registrar");
  async function change(view: JsonObject, operation: string, body: JsonObject): Promise<JsonObject> {
    const path = `/registries/districts/records/${String(view.rid)}/${operation}`;
    const answer = await node.request("POST", path, { token, json: body });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  }
  const small = (code: string, name: string) => districts.create({ code, name, state: punjab.href! });
  const revoked = await small("PB-90", "Never was");
  await change(revoked, "revoke", { act: { reason: "notification" } });
  const suspended = await small("PB-91", "In doubt");
  await change(suspended, "suspend", { act: { reason: "notification" } });
  const ended = await small("PB-92", "Long ago");
  await change(ended, "end", {
    effective: "2020-05-01",
    act: { reason: "notification", instrument: "Gazette 12/2020" },
  });
  const replaced = await small("PB-93", "Great district");
  const heirs = ["North", "South"].map((name, number) => ({
    data: { code: `PB-9${number + 4}`, name: `${name} district`, state: punjab.href! },
  }));
  await change(replaced, "replace", { by: heirs, effective: "2022-01-01", act: { reason: "notification" } });
  const erased = await small("PB-96", "Forgotten");
  await change(erased, "erase", { act: { reason: "notification", instrument: "Order 3/2024" } });
  for (let at = 0; at < MANY; at += 20) {
    const rest = Array.from({ length: Math.min(20, MANY - at) }, (_, number) => at + number);
    await Promise.all(
      rest.map((number) =>
        districts.create({
          code: `PB-1${String(number).padStart(3, "0")}`,
          name: `Block district ${number}`,
          state: punjab.href!,
          population: number * 1_000,
          kind: "rural",
        }),
      ),
    );
  }
  return {
    node,
    records: { punjab, kerala, ludhiana, urdu, long, bare, survey, revoked, suspended, ended, replaced, erased },
  };
}
