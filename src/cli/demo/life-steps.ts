// Steps of the story about the life of a record: amended, revoked, and what that does to copies and references; the audit of it all.
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO_STATUS_WAIT_MS, STATUS_LIST_TTL_SECONDS } from "../../limits.ts";
import { auditLog } from "../../log/audit.ts";
import { parseVerifierKey } from "../../log/note.ts";
import type { RecordView } from "../../records/record-view.ts";
import { createLogSource } from "../log.ts";
import type { NodeClient } from "../node-client.ts";
import { type Agency, demand, demandFailure, demandRefusal, demandValid, disproved, parseAnswer } from "./agency.ts";
import { DEPARTMENTS } from "./federation-plan.ts";
import { resolveAt } from "./record-steps.ts";
import { createRecord } from "./seed.ts";
import { clientOf, type DemoFederation, getParty, type Party } from "./start-federation.ts";

const POLL_MS = 500;

/** Asks until the status list that a node hands out is of after the change: it keeps one for STATUS_LIST_TTL_SECONDS. */
async function waitFor<Answer>(ask: () => Promise<Answer>, isNew: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = Date.now() + DEMO_STATUS_WAIT_MS;
  for (;;) {
    const answer = await ask();
    if (isNew(answer) || Date.now() > deadline) return answer;
    await sleep(POLL_MS);
  }
}

async function readEtag(agency: Agency, href: string): Promise<string> {
  const { headers } = await agency.http.send({ method: "GET", url: href });
  const etag = headers.get("etag");
  if (etag === undefined) throw disproved(`${href} gives no ETag`);
  return etag;
}

async function amend(
  client: NodeClient,
  record: RecordView,
  change: { etag: string; name: string },
): Promise<RecordView> {
  const answer = await client.send({
    method: "PATCH",
    path: record.href.slice(client.baseUrl.length),
    body: JSON.stringify({ data: { name: change.name }, act: { reason: "renamed" } }),
    contentType: "application/merge-patch+json",
    headers: { "if-match": change.etag },
  });
  return parseAnswer<RecordView>(answer);
}

async function revoke(client: NodeClient, record: RecordView): Promise<void> {
  const path = `${record.href.slice(client.baseUrl.length)}/revoke`;
  const body = JSON.stringify({ act: { reason: "entered in error" } });
  await client.send({ method: "POST", path, body, contentType: "application/json" });
}

/** After an amendment the old version fails for everyone, with a fresh status; who asks for it by number gets it. */
export async function proveSupersession(party: Party, agency: Agency, district: RecordView): Promise<string[]> {
  const registrar = clientOf(party, "registrar");
  const etag = await readEtag(agency, district.href);
  const amended = await amend(registrar, district, { etag, name: "Newmarch and Vale" });
  demand(amended.version === 2, `the amended district has version ${amended.version}, not 2`);
  const lost = () => amend(registrar, district, { etag, name: "Somebody else's change" });
  await demandRefusal("version_conflict", lost, "a second change to the version that was read before");

  const outdated = await waitFor(
    async () => agency.verify(await agency.fetchEvidence(district.href, 1)),
    ({ valid }) => !valid,
  );
  demandFailure(outdated, { check: "status", code: "status_superseded" }, "version 1 after version 2 was issued");
  demandValid(await agency.verify(await agency.fetchEvidence(district.href)), "version 2");
  const pinned = { href: district.href, version: 1 };
  demandValid(
    await agency.verify(await agency.fetchEvidence(district.href, 1), pinned),
    "version 1 for one who asks for it by number",
  );
  return [
    "version 2 verifies; version 1 is refused as status_superseded, and stands for who asks for version 1",
    `a change based on the version read before is refused: version_conflict (status lists are at most ${STATUS_LIST_TTL_SECONDS} s old)`,
  ];
}

/** A revoked district fails by name, alone and behind a block that still verifies; no new record may refer to it. */
export async function proveRevocation(
  federation: DemoFederation,
  agency: Agency,
  options: { code: string; state: string },
): Promise<string[]> {
  const registrar = clientOf(getParty(federation, "local-government"), "registrar");
  const rural = getParty(federation, "rural-development");
  const { code, state } = options;
  const referred = await createRecord(registrar, "districts", { code: `${code}1`, name: "Mistaken", state });
  const unreferred = await createRecord(registrar, "districts", { code: `${code}2`, name: "Mistaken too", state });
  const createBlock = (district: RecordView) =>
    createRecord(clientOf(rural, "registrar"), "blocks", {
      code: `${String(district.data.code)}-1`,
      name: "Left behind",
      district: district.href,
    });
  const block = await createBlock(referred);
  for (const district of [referred, unreferred]) await revoke(registrar, district);

  const revoked = await waitFor(
    async () => agency.verify(await agency.fetchEvidence(referred.href)),
    ({ valid }) => !valid,
  );
  demandFailure(revoked, { check: "status", code: "status_revoked" }, "a revoked district");

  const { records } = await resolveAt(clientOf(rural, "reader"), [block.href], [["district"]]);
  const outcomes = [block.href, referred.href].map((href) => records[href]?.outcome);
  demand(
    outcomes.join() === "verified,record_revoked",
    `the block and its revoked district resolve to ${outcomes.join(" and ")}; expected are verified and record_revoked`,
  );
  await demandRefusal("reference_unresolved", () => createBlock(unreferred), "a new block of a revoked district");
  return [
    "a revoked district is refused: status_revoked; the block that refers to it resolves as verified, its district not",
    "a new block of a revoked district is not signed: reference_unresolved",
  ];
}

/** The logs of all departments recomputed from outside, from the first entry on. */
export async function proveAudit(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const proved: string[] = [];
  for (const { name } of DEPARTMENTS) {
    const { entity } = getParty(federation, name);
    const { records, access } = (await agency.getChain(entity)).metadata.logs;
    const entries: string[] = [];
    for (const [log, keys] of Object.entries({ records, access })) {
      if (keys === undefined) continue;
      const { origin, vkeys } = keys;
      const source = createLogSource(agency.http, `${entity}/log/${log}`);
      const { ok, problems, counts } = await auditLog(source, { origin, verifiers: vkeys.map(parseVerifierKey) });
      const [first] = problems;
      demand(ok, `the log ${log} of ${name} is not in order: ${first?.code ?? "incomplete"} ${first?.message ?? ""}`);
      entries.push(`${counts.entries} of ${log}`);
    }
    proved.push(`${name}: all entries recomputed, ${entries.join(" and ")}, no tag stands twice`);
  }
  // From inside: that nobody with the database left out, changed or moved an event.
  const { ok, events } = await federation.operate(["civil-registry"], (nodeOf) =>
    nodeOf("civil-registry").localAudit.audit({ previous: {} }),
  );
  demand(ok && events.events > 0, "the events of the civil registry are not those that its access log has");
  proved.push(
    `civil-registry: every entry of the access log has its event, ${events.events} of ${events.people} people`,
  );
  return proved;
}
