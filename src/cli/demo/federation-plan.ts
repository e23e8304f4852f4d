// Who is who in the demo: a trust anchor, a state below it, departments below the state, what each may sign, who works there. Values only; starts nothing.
import { readFileSync } from "node:fs";
import { isJsonObject, type JsonObject, parseJson } from "../../crypto/json.ts";
import type { Role } from "../../identity/caller.ts";

export const PORT_BASE_DEFAULT = 7_400;

export type DemoNodeName =
  | "anchor"
  | "state"
  | "local-government"
  | "rural-development"
  | "civil-registry"
  | "land-records"
  | "welfare";

export interface StaffPlan {
  readonly role: Role;
  /** Further roles that one may act in on pages. */
  readonly also?: readonly Role[];
  readonly name: string;
  /** What one is there to do, for the printed guide. */
  readonly task: string;
}

export interface NodePlan {
  readonly name: DemoNodeName;
  readonly organization: string;
  readonly duty: string;
  /** Who vouches for it; nobody for the anchor. */
  readonly superior?: DemoNodeName;
  /** Registries, by the name of their definition in schemas/examples; also the types that its superior grants. */
  readonly registries: readonly string[];
  readonly staff: readonly StaffPlan[];
}

export const ANCHOR: NodePlan = {
  name: "anchor",
  organization: "National Trust Office",
  duty: "vouches for states; holds no records",
  registries: [],
  staff: [{ role: "operator", name: "Devi Nair", task: "looks after the trust office's node" }],
};

export const STATE: NodePlan = {
  name: "state",
  organization: "State Government",
  duty: "vouches for the departments of the state; holds no records",
  superior: "anchor",
  registries: [],
  staff: [{ role: "operator", name: "Emil Haas", task: "looks after the state's node" }],
};

export const LOCAL_GOVERNMENT: NodePlan = {
  name: "local-government",
  organization: "Ministry of Local Government",
  duty: "keeps states, districts and village councils",
  superior: "state",
  registries: ["states", "districts", "village-councils"],
  staff: [
    { role: "operator", name: "Orla Pike", task: "publishes definitions" },
    { role: "registrar", name: "Rosa Lind", task: "writes states and districts, and proposes village councils" },
    {
      role: "approver",
      also: ["reader"],
      name: "Bram Visser",
      task: "approves village councils that others propose, and reads",
    },
    { role: "reader", name: "Asha Rao", task: "reads states and districts, as a clerk does" },
    { role: "auditor", name: "Chen Liu", task: "reads logs, and no records" },
  ],
};

export const RURAL_DEVELOPMENT: NodePlan = {
  name: "rural-development",
  organization: "Rural Development Agency",
  duty: "keeps blocks, which refer to districts of local government",
  superior: "state",
  registries: ["blocks"],
  staff: [
    { role: "operator", name: "Tariq Osei", task: "publishes definitions" },
    { role: "registrar", name: "Ines Varga", task: "creates, amends and revokes blocks" },
    { role: "reader", name: "Paulo Reis", task: "resolves references across departments" },
  ],
};

export const CIVIL_REGISTRY: NodePlan = {
  name: "civil-registry",
  organization: "Civil Registry Office",
  duty: "keeps persons and births; others read them by consent",
  superior: "state",
  registries: ["persons", "births"],
  staff: [
    { role: "operator", name: "Nils Berg", task: "publishes definitions" },
    {
      role: "registrar",
      name: "Sara Okoye",
      task: "writes births and deaths, and what people decide at the counter",
    },
  ],
};

export const LAND_RECORDS: NodePlan = {
  name: "land-records",
  organization: "Land Records Department",
  duty: "keeps land parcels, which refer to districts and owners",
  superior: "state",
  registries: ["land-parcels"],
  staff: [
    { role: "operator", name: "Lena Fuchs", task: "publishes definitions" },
    { role: "registrar", name: "Imran Qureshi", task: "writes land parcels" },
  ],
};

export const WELFARE: NodePlan = {
  name: "welfare",
  organization: "Welfare Office",
  duty: "decides on benefits; asks people for consent",
  superior: "state",
  registries: ["applications"],
  staff: [
    { role: "operator", name: "Olga Brandt", task: "publishes definitions" },
    { role: "registrar", name: "Kofi Mensah", task: "writes applications" },
    { role: "reader", name: "Bina Sen", task: "asks people for consent and decides, as a clerk does" },
  ],
};

export const DEPARTMENTS: readonly NodePlan[] = [
  LOCAL_GOVERNMENT,
  RURAL_DEVELOPMENT,
  CIVIL_REGISTRY,
  LAND_RECORDS,
  WELFARE,
];
/** Superiors before their subordinates. */
export const DEMO_NODES: readonly NodePlan[] = [ANCHOR, STATE, ...DEPARTMENTS];

/** What the anchor is pinned for, and grants to the state: all that any department keeps. */
export const PINNED_TYPES: readonly string[] = DEPARTMENTS.flatMap(({ registries }) => registries);

/** Base URL of each node: one port each, from `portBase` on. */
export function planEntities(portBase: number): ReadonlyMap<DemoNodeName, string> {
  return new Map(DEMO_NODES.map(({ name }, at) => [name, `http://127.0.0.1:${portBase + at}`]));
}

/** A definition of schemas/examples. */
export function readExampleDefinition(name: string): JsonObject {
  const url = new URL(`../../../schemas/examples/${name}.json`, import.meta.url);
  const definition = parseJson(readFileSync(url, "utf8"));
  if (!isJsonObject(definition)) throw new Error(`${url.pathname} is no definition`);
  return definition;
}
