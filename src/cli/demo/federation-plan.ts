// Who is who in the demo: three departments, what each may sign, who works there. Values only; starts nothing.
import { readFileSync } from "node:fs";
import { isJsonObject, type JsonObject, parseJson } from "../../crypto/json.ts";
import type { Role } from "../../identity/caller.ts";

export const PORT_BASE_DEFAULT = 7_400;

export type DemoNodeName = "anchor" | "local-government" | "rural-development";

export interface StaffPlan {
  readonly role: Role;
  readonly name: string;
  /** What one is there to do, for the printed guide. */
  readonly task: string;
}

export interface NodePlan {
  readonly name: DemoNodeName;
  readonly organization: string;
  readonly duty: string;
  /** Registries, by the name of their definition in schemas/examples; also the types that the anchor grants. */
  readonly registries: readonly string[];
  readonly staff: readonly StaffPlan[];
}

export const ANCHOR: NodePlan = {
  name: "anchor",
  organization: "National Trust Office",
  duty: "vouches for departments; holds no records",
  registries: [],
  staff: [],
};

export const LOCAL_GOVERNMENT: NodePlan = {
  name: "local-government",
  organization: "Ministry of Local Government",
  duty: "keeps states and districts",
  registries: ["states", "districts"],
  staff: [
    { role: "operator", name: "Orla Pike", task: "publishes definitions" },
    { role: "registrar", name: "Rosa Lind", task: "creates, amends and revokes states and districts" },
  ],
};

export const RURAL_DEVELOPMENT: NodePlan = {
  name: "rural-development",
  organization: "Rural Development Agency",
  duty: "keeps blocks, which refer to districts of local government",
  registries: ["blocks"],
  staff: [
    { role: "operator", name: "Tariq Osei", task: "publishes definitions" },
    { role: "registrar", name: "Ines Varga", task: "creates, amends and revokes blocks" },
    { role: "reader", name: "Paulo Reis", task: "resolves references across departments" },
  ],
};

export const DEPARTMENTS: readonly NodePlan[] = [LOCAL_GOVERNMENT, RURAL_DEVELOPMENT];
export const DEMO_NODES: readonly NodePlan[] = [ANCHOR, ...DEPARTMENTS];

/** What the anchor is pinned for: all that any department keeps. */
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
