// Puts the invented country into the running nodes, over HTTP as a registrar would. Running it again changes nothing.
import { type JsonObject, parseJson } from "../../crypto/json.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { NodeClient } from "../node-client.ts";
import { BLOCKS, DISTRICTS, STATES } from "./country.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

/** Creates a record over HTTP; throws what the node's problem details say. */
export async function createRecord(client: NodeClient, registry: string, data: JsonObject): Promise<RecordView> {
  const answer = await client.send({
    method: "POST",
    path: `/registries/${registry}/records`,
    body: JSON.stringify({ data }),
    contentType: "application/json",
  });
  return parseJson(answer) as unknown as RecordView;
}

/** The record with this code, or undefined. */
export async function findByCode(client: NodeClient, registry: string, code: string): Promise<RecordView | undefined> {
  const page = await client.getJson(`/registries/${registry}/records`, { query: { code } });
  return (page as unknown as { records: RecordView[] }).records[0];
}

async function ensureAll<Seed extends { readonly code: string }>(
  client: NodeClient,
  registry: string,
  seeds: readonly Seed[],
  describe: (seed: Seed) => JsonObject,
): Promise<Map<string, string>> {
  const hrefs = await Promise.all(
    seeds.map(async (seed): Promise<[string, string]> => {
      const found = await findByCode(client, registry, seed.code);
      return [seed.code, (found ?? (await createRecord(client, registry, describe(seed)))).href];
    }),
  );
  return new Map(hrefs);
}

/** States, then districts that refer to them, then blocks that refer to districts of the other node. Gives how many there are. */
export async function seedCountry(federation: DemoFederation): Promise<number> {
  const local = clientOf(getParty(federation, "local-government"), "registrar");
  const rural = clientOf(getParty(federation, "rural-development"), "registrar");
  const states = await ensureAll(local, "states", STATES, (state) => ({ ...state }));
  const districts = await ensureAll(local, "districts", DISTRICTS, (district) => ({
    ...district,
    state: states.get(district.code.split("-")[0]!)!,
  }));
  const blocks = await ensureAll(rural, "blocks", BLOCKS, (block) => ({
    ...block,
    district: districts.get(block.code.replace(/-\d+$/, ""))!,
  }));
  return states.size + districts.size + blocks.size;
}
