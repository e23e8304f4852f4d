// Four eyes in the demo: village councils that wait for a second person, and the step of the story that proves it.
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import type { NodeClient } from "../node-client.ts";
import { demand } from "./agency.ts";
import { COUNCILS } from "./country.ts";
import { findByCode } from "./seed.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

const REGISTRY = "village-councils";

async function send(client: NodeClient, path: string, body: Json): Promise<JsonObject> {
  const text = await client.send({
    method: "POST",
    path,
    body: JSON.stringify(body),
    contentType: "application/json",
  });
  return parseJson(text) as JsonObject;
}

/** What a registrar of the registry asks for; gives the identifier of the proposal. */
async function propose(client: NodeClient, data: JsonObject): Promise<string> {
  const act = { reason: "notified", instrument: "Gazette 12/2026" };
  const { proposal } = await send(client, `/registries/${REGISTRY}/records`, { data, act });
  demand(proposal !== undefined && isJsonObject(proposal), "a village council was recorded by one person alone");
  return String(proposal.id);
}

/** Some councils that were approved, and some that wait for whoever signs in as approver. Running it again changes nothing. */
export async function seedCouncils(federation: DemoFederation): Promise<void> {
  const local = getParty(federation, "local-government");
  const [registrar, approver] = [clientOf(local, "registrar"), clientOf(local, "approver")];
  const { proposals } = (await approver.getJson("/proposals", { query: { for: "me", registry: REGISTRY } })) as {
    proposals: JsonObject[];
  };
  const waiting = new Set(proposals.map(({ title }) => title));
  for (const { isWaiting, district, ...council } of COUNCILS) {
    if (waiting.has(council.name) || (await findByCode(registrar, REGISTRY, council.code))) continue;
    const { href } = (await findByCode(registrar, "districts", district))!;
    const id = await propose(registrar, { ...council, district: href });
    if (!isWaiting) await send(approver, `/proposals/${id}/approve`, {});
  }
}

/** Whether the node refuses this with that code. */
async function demandRefusal(request: Promise<unknown>, code: string, what: string): Promise<void> {
  const found = await request.then(
    () => "nothing was refused",
    (error: { code?: string }) => error.code,
  );
  demand(found === code, `${what} must be refused with ${code}; the answer was ${found ?? "another"}`);
}

export async function proveApproval(federation: DemoFederation, code: string): Promise<string[]> {
  const local = getParty(federation, "local-government");
  const [registrar, approver] = [clientOf(local, "registrar"), clientOf(local, "approver")];
  const district = (await findByCode(registrar, "districts", "AL-01"))!.href;
  const council = { code: `VC-${code.replace(/\D/g, "")}`, name: "Wendhead", district };
  const id = await propose(registrar, council);
  demand(!(await findByCode(registrar, REGISTRY, council.code)), "a council is there that nobody approved");
  await demandRefusal(
    send(registrar, `/proposals/${id}/approve`, {}),
    "proposal_own",
    "whoever approves what the same person proposed",
  );
  const done = await send(approver, `/proposals/${id}/approve`, { note: "compared with the gazette" });
  const { rid } = done.result as JsonObject;
  const history = (await registrar.getJson(`/registries/${REGISTRY}/records/${String(rid)}/history`)) as JsonObject;
  const [{ act }] = history.entries as [{ act: JsonObject }];
  const [approval] = (act.approved ?? []) as JsonObject[];
  demand(
    act.role === "registrar" && approval?.role === "approver" && approval.by !== act.by,
    "the signed act of the council does not name two people",
  );
  await demandRefusal(
    send(approver, `/proposals/${id}/approve`, {}),
    "proposal_decided",
    "whoever approves a second time",
  );
  return [
    "a village council that a registrar proposes is nowhere until somebody else approves it",
    "refused: the person who proposed it (proposal_own), and a second approval (proposal_decided)",
    "its signed act names both people, by pseudonyms",
  ];
}
