// Who may call what: every operation of the document by every role, for its registry and for another, within its jurisdiction and outside, in registries of every access.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { ROLES } from "../../src/identity/caller.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentedOperation } from "../openapi-check.ts";
import {
  type Access,
  isReader,
  MATRIX,
  type MatrixCaller,
  type MatrixCase,
  type MatrixRequest,
  type MayCall,
  type Place,
  type Subject,
} from "../permission-cases.ts";
import { signDraft } from "../request-signing.ts";

const REGISTRIES: Readonly<Record<string, Access>> = { open: "public", shared: "members", private: "consent" };
// Nowhere else in the world: who sees it was shown a personal field.
const SECRETS: Readonly<Record<Place, string>> = {
  within: "Personal-Value-51d0aa",
  outside: "Personal-Value-93c1be",
};
const DISTRICTS: Readonly<Record<Place, string>> = { within: "021", outside: "022" };
const PLACES = Object.keys(DISTRICTS) as Place[];
const CLAIMS = { district: [DISTRICTS.within], "every district": ["*"], none: undefined } as const;

type StaffCaller = Extract<MatrixCaller, { kind: "staff" }>;

const CALLERS: readonly MatrixCaller[] = [
  { kind: "stranger" },
  { kind: "node" },
  ...ROLES.flatMap((role): StaffCaller[] => [
    { kind: "staff", role, registries: "every", claim: "district" },
    { kind: "staff", role, registries: "own", claim: "district" },
    { kind: "staff", role, registries: "foreign", claim: "district" },
    { kind: "staff", role, registries: "every", claim: "every district" },
    { kind: "staff", role, registries: "own", claim: "none" },
  ]),
];

const anchor = createEntity("https://anchor.example");
const sender = createEntity("https://sender.example");
let superior: TestNode;
let node: TestNode;
let chain: string[];
let operations: readonly DocumentedOperation[];
const subjects = {} as Record<string, Record<Place, Subject>>;
const tokens = new Map<string, string>();

beforeAll(async () => {
  const types = Object.keys(REGISTRIES);
  superior = await startTestNode();
  node = await startTestNode({
    path: "/node",
    superiors: [superior.entity],
    anchors: [pinOf(anchor, ["houses"]), superior.pin(types)],
  });
  await superior.node.federation.acceptSubordinate({ entity: node.entity, registryTypes: types });
  chain = await signChain(draftChain([sender, anchor], ["houses"], Math.floor(Date.now() / 1_000)));
  const properties = {
    tax: { type: "string", "x-personal": true },
    district: { type: "string", "x-personal": false },
    plan: { type: "object", "x-attachment": true },
    near: { type: "string", "x-reference": { type: "places", onWrite: "accept" } },
  };
  const members = {
    duplicates: [{ name: "same-name", fields: ["name"] }],
    statistics: [{ name: "by-district", fields: ["district"] }],
    answers: { exists: true },
    jurisdiction: [{ field: "district", claim: "district" }],
  };
  for (const [registry, access] of Object.entries(REGISTRIES)) {
    const published = await node.publish(definition(registry, { access, properties, members }));
    expect(published.status, published.text).toBe(201);
    const [within, outside] = [await createSubject(registry, "within"), await createSubject(registry, "outside")];
    // Only now, so that the records are there.
    const approved = definition(registry, { access, properties, members: { ...members, approval: ["approver"] } });
    const operator = await node.token("operator");
    const path = `/registries/${registry}?allow-breaking=true`;
    expect((await node.request("PUT", path, { token: operator, json: approved })).status).toBe(201);
    subjects[registry] = { within: await propose(within), outside: await propose(outside) };
    for (const caller of CALLERS)
      if (caller.kind === "staff") tokens.set(tokenName(caller, registry), await makeToken(caller, registry));
  }
  // As its job does after a minute, so that accepted references are in one state all the while.
  await node.node.referenceWatch.checkDue();
  const document = (await node.request("GET", "/openapi.json")).body;
  // Those of one registry are the general ones under its name.
  operations = createDocumentCheck(document).operations.filter(
    ({ operation }) => !String(operation.operationId).includes("_"),
  );
});

afterAll(async () => {
  await node?.close();
  await superior?.close();
});

async function createSubject(registry: string, place: Place): Promise<Omit<Subject, "proposal" | "withdrawn">> {
  const token = await node.token("registrar", { claims: { district: ["*"] } });
  const base = `/registries/${registry}`;
  const content = `%PDF-1.7\n${registry} ${place}\n%%EOF\n`;
  const headers = { "content-type": "application/pdf" };
  const { body: plan } = await node.request("POST", `${base}/attachments`, { token, body: content, headers });
  const [code, name] = [`code-${registry}-${place}`, `Name of ${registry}, ${place}`];
  const district = DISTRICTS[place];
  const created = await node.request("POST", `${base}/records`, {
    token,
    json: {
      data: { code, name, district, tax: "none yet", plan, near: "https://away.example/registries/places/records/1" },
    },
  });
  expect(created.status, created.text).toBe(201);
  const { rid, href } = created.body;
  // So that its history has something to tell.
  const amended = await node.request("PATCH", `${base}/records/${String(rid)}`, {
    token,
    json: { data: { tax: SECRETS[place] } },
    headers: { "if-match": '"1.0"' },
  });
  expect(amended.status, amended.text).toBe(200);
  const file = createHash("sha256").update(content).digest("base64url");
  return { registry, rid: String(rid), href: String(href), code, name, district, file };
}

/** With a change that waits for approval, and one that was withdrawn, of somebody whom the matrix does not know. */
async function propose(subject: Omit<Subject, "proposal" | "withdrawn">): Promise<Subject> {
  const { registry, rid } = subject;
  const token = await node.token("registrar", { name: "Proposer", claims: { district: ["*"] } });
  const ids: string[] = [];
  for (const name of ["waits", "is withdrawn"]) {
    const answer = await node.request("PATCH", `/registries/${registry}/records/${rid}`, {
      token,
      json: { data: { name: `${subject.name} ${name}` } },
      headers: { "if-match": '"2.0"' },
    });
    expect(answer.status, answer.text).toBe(202);
    ids.push(String((answer.body.proposal as JsonObject).id));
  }
  const [proposal, withdrawn] = ids as [string, string];
  expect((await node.request("POST", `/proposals/${withdrawn}/withdraw`, { token })).status).toBe(200);
  return { ...subject, proposal, withdrawn };
}

const tokenName = ({ role, registries, claim }: StaffCaller, registry: string) =>
  [role, registries, claim, registry].join();

function makeToken({ role, registries, claim }: StaffCaller, registry: string): Promise<string> {
  const foreign = Object.keys(REGISTRIES).find((one) => one !== registry)!;
  const scope = { every: undefined, own: [registry], foreign: [foreign] }[registries];
  const district = CLAIMS[claim];
  return node.token(role, {
    ...(scope && { registries: scope }),
    ...(district && { claims: { district: [...district] } }),
  });
}

async function send(caller: MatrixCaller, registry: string, request: MatrixRequest): Promise<Answer> {
  const { method, path, json, body, headers } = request;
  if (caller.kind === "node") {
    const signed = await signDraft({
      signer: sender.request,
      sender: sender.id,
      audience: node.entity,
      method,
      url: `${node.entity}${path}`,
      chain,
      ...(json !== undefined && { json }),
      ...(headers && { headers }),
    });
    const sent = signed.body ?? body;
    return node.request(method, path, { headers: signed.headers, ...(sent !== undefined && { body: sent }) });
  }
  return node.request(method, path, {
    token: caller.kind === "staff" ? tokens.get(tokenName(caller, registry)) : undefined,
    ...(json !== undefined && { json }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
}

const nameOf = (caller: MatrixCaller) =>
  caller.kind === "staff" ? `${caller.role} of ${caller.registries} registry with claim ${caller.claim}` : caller.kind;

const takesNodes = ({ operation }: DocumentedOperation) => JSON.stringify(operation.security).includes("signature");

/** What became of a call, in a word to compare. */
function outcomeOf({ isRefused, answers }: MatrixCase, answer: Answer): string {
  if (answer.status === 401 || answer.status === 403 || isRefused?.(answer)) return "refused";
  return answers.includes(answer.status) ? "answered" : `unexpected ${answer.status} ${answer.text.slice(0, 200)}`;
}

/** What is wrong with one answer. */
function findFaults(one: MatrixCase, answer: Answer, asked: Parameters<MayCall>, subject: Subject): string[] {
  const [caller, , place] = asked;
  const expected = one.may(...asked) ? "answered" : "refused";
  const found = outcomeOf(one, answer);
  const faults = found === expected ? [] : [`is ${found}, expected: ${expected}`];
  // Who has shown a token is never sent for one.
  if (answer.status === 401 && caller.kind !== "stranger") faults.push("is asked for a token");
  if (one.finds && found === "answered" && answer.text.includes(subject.rid) !== one.finds(...asked))
    faults.push(`${one.finds(...asked) ? "does not find" : "finds"} the record`);
  const isMeant = one.showsPersonal === true && isReader(...asked) && one.may(...asked);
  if (answer.text.includes(SECRETS[place]) !== isMeant)
    faults.push(`${isMeant ? "is not shown" : "is shown"} what is personal`);
  return faults;
}

// What is about no registry is the same for all of them.
const isAboutRecords = ({ action }: MatrixCase) =>
  /^(record|reference|definition|registry|open-data|proposal)\./.test(action);

describe("the matrix", () => {
  it("has every operation of the document, by the action that this names, and no other", () => {
    const documented = operations.map(({ operation }) => [
      operation.operationId,
      (operation["x-actions"] as string[])[0],
    ]);
    const known = Object.entries(MATRIX).map(([id, { action }]) => [id, action]);
    expect(documented.sort()).toEqual(known.sort());
  });

  it.each(Object.entries(REGISTRIES))(
    "holds in the registry %s, of access %s",
    async (registry, access) => {
      const faults: string[] = [];
      let asked = 0;
      for (const one of operations) {
        const id = String(one.operation.operationId);
        const known = MATRIX[id]!;
        const places: readonly Place[] = isAboutRecords(known) ? PLACES : access === "public" ? ["within"] : [];
        for (const place of places)
          for (const caller of CALLERS) {
            const subject = subjects[registry]![place];
            const answer = await send(caller, registry, known.ask(subject));
            // An operation that takes no signed requests does not look at the signature.
            const seen: MatrixCaller = caller.kind === "node" && !takesNodes(one) ? { kind: "stranger" } : caller;
            for (const fault of findFaults(known, answer, [seen, access, place], subject))
              faults.push(`${id} by ${nameOf(caller)}, ${place}: ${fault}`);
            asked++;
          }
      }
      expect(faults).toEqual([]);
      expect(asked).toBeGreaterThan(1_500);
    },
    300_000,
  );
});
