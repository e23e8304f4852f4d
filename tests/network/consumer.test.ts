// An agency's node that keeps no registries and joined the federation: its clerk checks records of other departments on a page, and the signed reports are kept.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { parseKeySet, verifySignedReport } from "../../src/verification/index.ts";
import { describeOutcome } from "../../src/web/check-words.ts";
import { type BrowserJar, createBrowserJar, hiddenField, type Visit } from "../browser-jar.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";

let anchor: TestNode;
let land: TestNode;
let tax: TestNode;
let agency: SignInWorld;
let clerk: BrowserJar;

async function create(node: TestNode, registry: string, data: JsonObject): Promise<string> {
  const answer = await node.request("POST", `/registries/${registry}/records`, {
    token: await node.token("registrar"),
    json: { data },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
}

async function change(href: string, operation: string, json: JsonObject): Promise<void> {
  const path = href.slice(land.entity.length);
  const token = await land.token("registrar");
  const { headers } = await land.request("GET", path, { token });
  const answer = await land.request("POST", `${path}/${operation}`, {
    token,
    json,
    headers: { "if-match": headers.get("etag")! },
  });
  expect(answer.status, answer.text).toBe(200);
}

async function check(references: string[], fields: Record<string, string> = {}): Promise<Visit> {
  const url = `${agency.node.entity}/console/check`;
  const form_token = hiddenField((await clerk.request("GET", url)).text, "form_token")!;
  const form = { form_token, references: references.join("\n"), caseNumber: "A-17", ...fields };
  return clerk.request("POST", url, { form });
}

/** What the page says, section by section: the headline, and all its text. */
function findingsOf({ text }: Visit): { headline: string; text: string; report: string | undefined }[] {
  return text
    .split('class="answer"')
    .slice(1)
    .map((part) => {
      const [section = ""] = part.split("</section>");
      const plain = section.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
      const headline = /<h2[^>]*>([^<]*)</.exec(section)?.[1] ?? "";
      return { headline, text: plain, report: /console\/reports\/([0-9a-f]{16}-\d{3})/.exec(section)?.[1] };
    });
}

async function downloadReport(id: string | undefined): Promise<string> {
  const file = await clerk.request("GET", `${agency.node.entity}/console/reports/${id}/file`);
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "application/jwt"]);
  expect(file.headers.get("content-disposition")).toBe(`attachment; filename="report-${id}.jwt"`);
  return file.text;
}

/** The keys by which the agency signs its reports, as it publishes them. */
async function publishedKeys() {
  const { payload } = decodeJws((await agency.node.request("GET", "/.well-known/openid-federation")).text);
  const { registry_node } = payload.metadata as { registry_node: { request_jwks: JsonObject } };
  return parseKeySet(registry_node.request_jwks);
}

async function verifyDownload(id: string | undefined) {
  return verifySignedReport(await downloadReport(id), await publishedKeys());
}

beforeAll(async () => {
  anchor = await startTestNode();
  const pins = [anchor.pin(["owners", "parcels", "notes", "debts", "people"])];
  const member = { superiors: [anchor.entity], anchors: pins };
  [land, tax, agency] = await Promise.all([
    startTestNode({ ...member, path: "/land" }),
    startTestNode({ ...member, path: "/tax" }),
    startSignInWorld({ ...member, path: "/agency", config: { consumer: true } }),
  ]);
  const grant = (node: TestNode, registryTypes: string[]) =>
    anchor.node.federation.acceptSubordinate({ entity: node.entity, registryTypes });
  await grant(land, ["owners", "parcels", "notes", "people"]);
  await grant(tax, ["debts"]);
  await grant(agency.node, []);
  const owner = { owner: { type: "string", title: "Owner", "x-reference": { type: "owners", onWrite: "verify" } } };
  const plot = { type: "string", "x-reference": { type: "parcels", onWrite: "accept" } };
  const plots = { type: "array", items: plot };
  for (const one of [
    definition("owners"),
    definition("parcels", { properties: { ...owner, plots } }),
    definition("notes", { access: "members" }),
    definition("people", { access: "consent" }),
  ])
    expect((await land.publish(one)).status).toBe(201);
  expect((await tax.publish(definition("debts"))).status).toBe(201);
  clerk = createBrowserJar();
  await agency.signIn(clerk, "bina");
}, 120_000);

afterAll(async () => {
  await agency?.close();
  for (const node of [tax, land, anchor]) await node?.close();
});

describe("a clerk of an agency without registries", () => {
  it("sees that a public record and what it refers to are valid, what they say and who vouches; the reports hold nothing of it", async () => {
    const owner = await create(land, "owners", { code: "O-1", name: "Meadow Trust" });
    const parcel = await create(land, "parcels", { code: "P-1", name: "Riverside plot", owner });
    const answer = await check([parcel], { follow: "owner", purpose: "loan" });
    expect(answer.status, answer.text).toBe(200);
    const findings = findingsOf(answer);
    expect(findings.map(({ headline }) => headline)).toEqual(["Valid", "Valid"]);
    for (const told of ["Riverside plot", "This record is genuine and in force", land.entity, anchor.entity, "P-1"])
      expect(findings[0]!.text).toContain(told);
    expect(findings[1]!.text).toMatch(/Meadow Trust \(followed: owner\)/);

    const token = String((await land.request("GET", parcel.slice(land.entity.length))).body.token).split("~")[0]!;
    const report = await verifyDownload(findings[0]!.report);
    expect(report).toMatchObject({
      verifier: agency.node.entity,
      verdict: "valid",
      asked: { href: parcel },
      outcome: "verified",
      record: { href: parcel, version: 1, digest: createHash("sha256").update(token).digest("base64url") },
    });
    const page = await clerk.request("GET", `${agency.node.entity}/console/reports/${findings[0]!.report}`);
    for (const told of ["A-17", "loan", "Bina", parcel]) expect(page.text).toContain(told);
    const stored = await agency.node.database.database.sql`select to_jsonb(kept_report)::text as row from kept_report`;
    const payload = JSON.stringify(decodeJws(await downloadReport(findings[0]!.report)).payload);
    const kept = [...stored.map(({ row }) => String(row)), payload, page.text].join("\n");
    for (const content of ["Riverside plot", "Meadow Trust", "P-1", "O-1"]) expect(kept).not.toContain(content);
    // The signed part names no case and nobody.
    for (const word of ["A-17", "loan", "Bina"]) expect(payload).not.toContain(word);
  });

  it("sees a record that is for members, because the node has joined; one that has not is told so", async () => {
    const note = await create(land, "notes", { code: "N-1", name: "Members only note" });
    const [finding] = findingsOf(await check([note]));
    expect(finding?.text).toMatch(/Valid Members only note/);
    expect((await verifyDownload(finding?.report)).record?.href).toBe(note);
    // Whoever has not joined is told what to do about it.
    const outside = await startTestNode({ anchors: [anchor.pin(["notes"])], config: () => ({ consumer: true }) });
    try {
      const token = await outside.token("reader");
      const { body } = await outside.request("POST", "/resolve", { token, json: { references: [note] } });
      const [{ outcome } = { outcome: "none" }] = body.references as { outcome: string }[];
      expect(describeOutcome(outcome)?.sentence).toContain("open to members of the federation only");
      expect(describeOutcome(outcome)?.mend).toContain("attestry federation join");
    } finally {
      await outside.close();
    }
  });

  it("sees of a revoked, a suspended and a replaced record that they are not valid, since when, and what took the place", async () => {
    const hrefs: string[] = [];
    for (const code of ["P-2", "P-3", "P-4", "P-5"])
      hrefs.push(await create(land, "parcels", { code, name: `Secret ${code}` }));
    const [revoked, suspended, replaced, successor] = hrefs as [string, string, string, string];
    await change(revoked, "revoke", { act: { reason: "error" } });
    await change(suspended, "suspend", { act: { reason: "dispute" }, effective: "2026-02-03" });
    await change(replaced, "replace", { act: { reason: "split" }, by: [successor] });
    const answer = await check([revoked, suspended, replaced]);
    expect(answer.text).toContain("3 records: 3 not valid");
    const findings = findingsOf(answer);
    expect(findings.map(({ headline }) => headline)).toEqual(["Not valid", "Not valid", "Not valid"]);
    expect(findings[0]!.text).toMatch(/Revoked on .*withdrew this record/);
    expect(findings[1]!.text).toMatch(/Suspended since February 3, 2026/);
    expect(findings[2]!.text).toMatch(new RegExp(`Replaced since .*Check ${successor}`));
    expect(answer.text).not.toContain("Secret");
    for (const [at, outcome, code] of [
      [0, "record_revoked", "status_revoked"],
      [1, "record_suspended", "status_suspended"],
      [2, "record_replaced", "status_superseded"],
    ] as const) {
      const report = await verifyDownload(findings[at]!.report);
      expect(report).toMatchObject({ verdict: "invalid", outcome, asked: { href: hrefs[at] } });
      expect(report.record).toBeUndefined();
      expect(report.checks).toContainEqual({ check: "status", result: "fail", code });
    }
    // A version that is asked for by its number is judged as of today, too.
    const [pinned] = findingsOf(await check([`${revoked}?version=1`]));
    expect(pinned).toMatchObject({ headline: "Not valid", text: expect.stringContaining("Revoked") });
  });

  it("could not decide about a record whose department is down, that there is not, or that is personal; each says what to do", async () => {
    const debt = await create(tax, "debts", { code: "D-1", name: "Owed" });
    const person = await create(land, "people", { code: "X-1", name: "Somebody" });
    const missing = `${land.entity}/registries/parcels/records/00000000-0000-8000-8000-000000000000`;
    expect(findingsOf(await check([debt]))[0]?.headline).toBe("Valid");
    await tax.stop();
    const unknown = `${tax.entity}x/registries/debts/records/00000000-0000-8000-8000-000000000000`;
    const answer = await check([debt, missing, person, unknown]);
    expect(answer.text).toContain("4 records: 4 not decided");
    const findings = findingsOf(answer);
    expect(findings[0]!.text).toMatch(/does not answer just now.*says nothing about the record.*Check again later/);
    expect(findings[1]!.text).toMatch(/says that it has no such record.*copied in full/);
    expect(findings[2]!.text).toMatch(/The record is personal.*Ask the person/);
    expect(findings[3]!.text).toMatch(/does not answer just now/);
    expect(answer.text).not.toContain("Somebody");
    const report = await verifyDownload(findings[0]!.report);
    expect(report).toMatchObject({ verdict: "undecided", outcome: "peer_unreachable", asked: { href: debt } });
    // Nothing came, so there was nothing to judge: the digest is that of the empty text.
    expect(report.evidence).toBe(createHash("sha256").digest("base64url"));
    expect(report.checks[0]).toEqual({ check: "format", result: "not_checked", code: "record_not_had" });
  });

  it("is told that too much is followed before anybody is asked for it, with what was typed still there", async () => {
    const rid = (at: number) => `00000000-0000-8000-8000-${String(at).padStart(12, "0")}`;
    const plots = Array.from(
      { length: 200 },
      (_, at) => `https://nowhere.example/registries/parcels/records/${rid(at)}`,
    );
    const estate = await create(land, "parcels", { code: "E-1", name: "Estate", plots });
    const answer = await check([estate], { follow: "plots" });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain("Following the paths needs 201 records; at most 200 are allowed");
    for (const typed of [estate, 'value="plots"', "A-17"]) expect(answer.text).toContain(typed);
    expect(answer.text).not.toContain("Estate");
  });

  it("is told what is wrong with a department that nobody vouches for, with the path that was tried", async () => {
    const stray = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(["debts"])], path: "/stray" });
    try {
      await stray.publish(definition("debts"));
      const href = await create(stray, "debts", { code: "1", name: "Forged" });
      const answer = await check([href]);
      const [finding] = findingsOf(answer);
      expect(finding?.headline).toBe("Could not decide");
      expect(finding?.text).toMatch(/No trust anchor of this node vouches.*chain_not_found/);
      expect(answer.text).not.toContain("Forged");
    } finally {
      await stray.close();
    }
  });
});
