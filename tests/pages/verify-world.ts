// A department with records and another node, elsewhere, whose page verifies them. Test code only.
import type { JsonObject } from "../../src/crypto/json.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";
import { BIRTHS, DISTRICTS, STATES } from "./registry-world.ts";

export const HOSTILE = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;

export interface VerifyWorld {
  /** The department. Its address has a path, and its origin is another than the agency's. */
  readonly home: TestNode;
  /** Serves the page; trusts the department's key for districts and states. */
  readonly agency: TestNode;
  readonly policy: JsonObject;
  readonly records: Readonly<
    Record<"current" | "amended" | "revoked" | "suspended" | "hostile" | "erased", JsonObject>
  >;
  /** The evidence file of a record, as its department hands it out. */
  evidence(name: keyof VerifyWorld["records"], version?: number): Promise<JsonObject>;
  close(): Promise<void>;
}

export async function startVerifyWorld(): Promise<VerifyWorld> {
  const home = await startTestNode({ path: "/lgd" });
  for (const definition of [STATES, DISTRICTS, BIRTHS]) {
    const answer = await home.publish(definition);
    if (answer.status !== 201) throw new Error(answer.text);
  }
  const pin = home.pin(["states", "districts"]);
  const agency = await startTestNode({ path: "/welfare", anchors: [pin] });
  const states = await createRecordCalls(home, "states");
  const districts = await createRecordCalls(home, "districts");
  const punjab = await states.create({ code: "03", name: { en: "Punjab", hi: "पंजाब" } });
  const create = (code: string, name: string, more: JsonObject = {}) =>
    districts.create({ code, name, state: punjab.href!, ...more });
  const current = await create("PB-15", "Ludhiana", {
    localName: "ਲੁਧਿਆਣਾ · लुधियाना",
    population: 3_498_739,
    kind: "urban",
    established: "1849-01-01",
    hasCourt: true,
    languages: ["Punjabi", "Hindi"],
    office: { city: "Ludhiana", postcode: "141001", head: "Asha Devi" },
  });
  const first = await create("PB-16", "Moga", { population: 900_000 });
  const amended = await districts.amend(first.rid, "1.0", { data: { population: 995_746 }, act: { reason: "census" } });
  const token = await home.token("registrar");
  async function change(view: JsonObject, operation: string): Promise<JsonObject> {
    const path = `/registries/districts/records/${String(view.rid)}/${operation}`;
    const json = { act: { reason: "notification", instrument: "Order 3/2024" } };
    const answer = await home.request("POST", path, { token, json });
    if (answer.status !== 200) throw new Error(answer.text);
    return view;
  }
  const revoked = await change(await create("PB-90", "Never was"), "revoke");
  const suspended = await change(await create("PB-91", "In doubt"), "suspend");
  const erased = await change(await create("PB-92", "Forgotten"), "erase");
  const hostile = await create("PB-93", HOSTILE, { localName: "javascript:alert(1)", remarks: HOSTILE.repeat(3) });
  const records = { current, amended, revoked, suspended, hostile, erased };
  return {
    home,
    agency,
    policy: { anchors: [pin as unknown as JsonObject], statusMaxAgeSeconds: 86_400 },
    records,
    async evidence(name, version) {
      const query = version === undefined ? "" : `?version=${version}`;
      const path = `/registries/districts/records/${String(records[name].rid)}/evidence${query}`;
      return (await home.request("GET", path)).body;
    },
    async close() {
      await agency.close();
      await home.close();
    },
  };
}
