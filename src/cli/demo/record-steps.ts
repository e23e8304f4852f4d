// Steps of the story about records: made, logged, verified by a stranger, referred to across nodes, changed by a forger.
import { decodeBase64 } from "../../crypto/base64.ts";
import { type Checkpoint, verifyCheckpoint } from "../../log/checkpoint.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../log/merkle.ts";
import { parseVerifierKey } from "../../log/note.ts";
import { parseExtra, parseReceipt } from "../../log/receipt.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { Resolution } from "../../resolution/resolution-service.ts";
import { createNodeClient, type NodeClient } from "../node-client.ts";
import { type Agency, demand, demandFailure, demandRefusal, demandValid, disproved, parseAnswer } from "./agency.ts";
import { createRecord, findByCode } from "./seed.ts";
import { clientOf, type DemoFederation, getParty, type Party } from "./start-federation.ts";
import { TAMPERINGS } from "./tampering.ts";

/** A record that the demo was seeded with. */
export async function getSeeded(party: Party, registry: string, code: string): Promise<RecordView> {
  const found = await findByCode(clientOf(party), registry, code);
  if (!found) throw disproved(`${party.plan.name} holds no ${registry} with code ${code}`);
  return found;
}

/** The log's state now, proved by the key that the anchor's chain names. */
export async function readCheckpoint(agency: Agency, entity: string): Promise<Checkpoint> {
  const { origin, vkeys } = (await agency.getChain(entity)).metadata.logs.records;
  const note = await createNodeClient({ baseUrl: entity }).send({ path: "/log/records/checkpoint" });
  return verifyCheckpoint(note, { origin, verifiers: vkeys.map(parseVerifierKey) });
}

/** A registrar creates a district; nobody else can. */
export async function proveCreation(
  party: Party,
  options: { code: string; state: string },
): Promise<{ proved: string[]; district: RecordView }> {
  const data = { code: options.code, name: "Newmarch", state: options.state };
  const registrar = clientOf(party, "registrar");
  const district = await createRecord(registrar, "districts", data);
  demand(Number.isSafeInteger(district.log_index), "the answer to a new record names no place in the log");
  const refusals: [code: string, client: NodeClient, what: string][] = [
    ["authentication_required", clientOf(party), "a record from nobody in particular"],
    ["permission_denied", clientOf(party, "operator"), "a record from an operator"],
    ["value_not_unique", registrar, "a second district of the same code"],
  ];
  for (const [code, client, what] of refusals)
    await demandRefusal(code, () => createRecord(client, "districts", data), what);
  const refused = refusals.map(([code]) => code).join(", ");
  return {
    district,
    proved: [`district ${options.code} signed, and logged as entry ${district.log_index}; refused: ${refused}`],
  };
}

/** The receipt leads from the entry to a checkpoint that the department signed, and the log only grew. */
export async function proveLogging(
  agency: Agency,
  entity: string,
  options: { before: Checkpoint; record: RecordView },
): Promise<string[]> {
  const { before, record } = options;
  const { origin, vkeys } = (await agency.getChain(entity)).metadata.logs.records;
  const receipt = parseReceipt(await createNodeClient({ baseUrl: record.href }).send({ path: "/receipt" }));
  const checkpoint = verifyCheckpoint(receipt.checkpoint, { origin, verifiers: vkeys.map(parseVerifierKey) });
  const { index, proof } = receipt;
  demand(index === record.log_index, `the receipt is for entry ${index}, the record for entry ${record.log_index}`);
  const leaf = leafHash(parseExtra(receipt.extra ?? new Uint8Array()).entry);
  verifyInclusion({ index, size: checkpoint.size, leaf, proof, root: checkpoint.root });

  const query = { from: String(before.size), to: String(checkpoint.size) };
  const answer = await createNodeClient({ baseUrl: entity }).send({ path: "/log/records/consistency", query });
  const hashes = answer.split("\n").filter(Boolean).map(decodeBase64);
  demand(
    before.size < checkpoint.size,
    `the log did not grow: ${before.size} entries before, ${checkpoint.size} after`,
  );
  verifyConsistency({
    size1: before.size,
    root1: before.root,
    size2: checkpoint.size,
    root2: checkpoint.root,
    proof: hashes,
  });
  return [
    `entry ${index} lies in the signed tree of ${checkpoint.size} entries (${proof.length} hashes)`,
    `that tree continues the one of ${before.size} entries seen before`,
  ];
}

/** An agency without a node verifies the record with the anchor's pin alone. */
export async function proveVerification(agency: Agency, record: RecordView): Promise<string[]> {
  const evidence = await agency.fetchEvidence(record.href);
  const report = await agency.verify(evidence, { href: record.href, registryType: record.type });
  demandValid(report, record.href);
  const named = (result: string) =>
    report.checks
      .filter((check) => check.result === result)
      .map(({ check }) => check)
      .join(", ");
  return [`passed: ${named("pass")}`, `not checked, and said so: ${named("not_checked")}`];
}

/** Before a block is signed, the district it names is fetched from its home node and verified. */
export async function proveReferenceCheck(
  party: Party,
  options: { code: string; district: string; state: string },
): Promise<{ proved: string[]; block: RecordView }> {
  const registrar = clientOf(party, "registrar");
  const create = (number: number, district: string) =>
    createRecord(registrar, "blocks", { code: `${options.code}-${number}`, name: "Newmarch Rural", district });
  const block = await create(1, options.district);
  const missing = options.district.replace(/[0-9a-f]{12}$/, "0".repeat(12));
  await demandRefusal("reference_unresolved", () => create(2, missing), "a block of a district that does not exist");
  await demandRefusal("reference_unresolved", () => create(3, options.state), "a block whose district is a state");
  return {
    block,
    proved: [
      "a block is signed once its district was fetched from the other department and verified",
      "a missing district, and a state in its place, are refused: reference_unresolved",
    ],
  };
}

export async function resolveAt(
  client: NodeClient,
  references: readonly string[],
  follow: readonly (readonly string[])[],
): Promise<Resolution> {
  const body = JSON.stringify({ references, follow });
  const answer = await client.send({
    method: "POST",
    path: "/resolve",
    body,
    contentType: "application/json",
    isRepeatable: true,
  });
  return parseAnswer<Resolution>(answer);
}

/** Rural development follows block → district → state; the last two lie at local government. */
export async function proveResolution(federation: DemoFederation): Promise<string[]> {
  const rural = getParty(federation, "rural-development");
  const local = getParty(federation, "local-government");
  const page = await clientOf(rural).getJson("/registries/blocks/records", { query: { limit: "30" } });
  const blocks = (page as unknown as { records: RecordView[] }).records.map(({ href }) => href);
  const resolution = await resolveAt(clientOf(rural, "reader"), blocks, [["district", "state"]]);
  const records = Object.values(resolution.records);
  const refused = records.find(({ outcome }) => outcome !== "verified");
  if (refused) throw disproved(`${refused.href} is not verified: ${refused.outcome} (${refused.message ?? ""})`);
  const count = (type: string) => records.filter((record) => record.type === type).length;
  const away = resolution.homes.find(({ entity }) => entity === local.entity);
  demand(away?.requests === 2, `local government was asked ${away?.requests ?? 0} times; one request per step is 2`);

  const anonymous = await resolveAt(clientOf(rural), blocks.slice(0, 1), [["district"]]);
  const foreign = Object.values(anonymous.records).find(({ href }) => href.startsWith(local.entity));
  demand(
    foreign?.outcome === "authentication_required",
    `a caller without a token made the node ask another: ${foreign?.outcome ?? "no outcome"}`,
  );
  return [
    `${count("blocks")} blocks, ${count("districts")} districts and ${count("states")} states verified`,
    "local government was asked twice, not once per record, and not at all for a caller without a token",
  ];
}

/** Each changed bit is caught by the check that it concerns, and named. */
export async function proveTampering(agency: Agency, href: string): Promise<string[]> {
  const evidence = await agency.fetchEvidence(href);
  demandValid(await agency.verify(evidence), "the evidence before it was changed");
  for (const { what, caught, apply } of TAMPERINGS) {
    const changed = apply(evidence);
    demand(JSON.stringify(changed) !== JSON.stringify(evidence), `the demo failed to change ${what}`);
    demandFailure(await agency.verify(changed), caught, `the evidence with ${what} changed`);
  }
  return TAMPERINGS.map(({ what, caught }) => `${what}: ${caught.code}`);
}
