// Who may call what: every operation of the document by every role, for its registry and for another, in registries of every access.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  type Subject,
} from "../permission-cases.ts";
import { signDraft } from "../request-signing.ts";

const REGISTRIES: Readonly<Record<string, Access>> = { open: "public", shared: "members", private: "consent" };
// Nowhere else in the world: who sees it was shown a personal field.
const SECRET = "Personal-Value-51d0aa";

const anchor = createEntity("https://anchor.example");
const sender = createEntity("https://sender.example");
let superior: TestNode;
let node: TestNode;
let chain: string[];
let operations: readonly DocumentedOperation[];
const subjects = {} as Record<string, Subject>;
const tokens = new Map<string, string>();

const CALLERS: readonly MatrixCaller[] = [
  { kind: "stranger" },
  { kind: "node" },
  ...ROLES.flatMap((role) =>
    (["every", "own", "foreign"] as const).map((reach) => ({ kind: "staff", role, reach }) as const),
  ),
];

beforeAll(async () => {
  const now = Math.floor(Date.now() / 1_000);
  const types = Object.keys(REGISTRIES);
  superior = await startTestNode();
  node = await startTestNode({
    path: "/node",
    superiors: [superior.entity],
    anchors: [pinOf(anchor, ["houses"]), superior.pin(types)],
  });
  await superior.node.federation.acceptSubordinate({ entity: node.entity, registryTypes: types });
  chain = await signChain(draftChain([sender, anchor], ["houses"], now));
  const properties = {
    tax: { type: "string", "x-personal": true },
    district: { type: "string", "x-personal": false },
    plan: { type: "object", "x-attachment": true },
  };
  const members = {
    duplicates: [{ name: "same-name", fields: ["name"] }],
    statistics: [{ name: "by-district", fields: ["district"] }],
    answers: { exists: true },
  };
  for (const [registry, access] of Object.entries(REGISTRIES)) {
    const published = await node.publish(definition(registry, { access, properties, members }));
    expect(published.status, published.text).toBe(201);
    subjects[registry] = await createSubject(registry, access);
    for (const role of ROLES) tokens.set(`${role} ${registry}`, await node.token(role, { registries: [registry] }));
  }
  for (const role of ROLES) tokens.set(`${role} every`, await node.token(role));
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

async function createSubject(registry: string, access: Access): Promise<Subject> {
  const token = await node.token("registrar");
  const base = `/registries/${registry}`;
  const headers = { "content-type": "application/pdf" };
  const content = `%PDF-1.7\n${registry}\n%%EOF\n`;
  const { body: plan } = await node.request("POST", `${base}/attachments?name=plan.pdf`, {
    token,
    body: content,
    headers,
  });
  const [code, name, district] = [`code-${registry}`, `Name of ${registry}`, "021"];
  const created = await node.request("POST", `${base}/records`, {
    token,
    json: { data: { code, name, district, tax: "none yet", plan } },
  });
  expect([access, created.status, created.text]).toEqual([access, 201, created.text]);
  // So that its history has something to tell.
  const amended = await node.request("PATCH", `${base}/records/${String(created.body.rid)}`, {
    token,
    json: { data: { tax: SECRET } },
    headers: { "if-match": '"1.0"' },
  });
  expect(amended.status, amended.text).toBe(200);
  const file = createHash("sha256").update(content).digest("base64url");
  return { registry, rid: String(created.body.rid), href: String(created.body.href), code, name, district, file };
}

const otherThan = (registry: string) => Object.keys(REGISTRIES).find((one) => one !== registry)!;

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
  const reach =
    caller.kind === "staff" && { every: "every", own: registry, foreign: otherThan(registry) }[caller.reach];
  const token = caller.kind === "staff" ? tokens.get(`${caller.role} ${reach}`) : undefined;
  return node.request(method, path, {
    token,
    ...(json !== undefined && { json }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
}

const nameOf = (caller: MatrixCaller) =>
  caller.kind === "staff" ? `${caller.role} of ${caller.reach} registry` : caller.kind;

const takesNodes = ({ operation }: DocumentedOperation) => JSON.stringify(operation.security).includes("signature");

/** What became of a call, in a word to compare. */
function outcomeOf({ isRefused, answers }: MatrixCase, answer: Answer): string {
  if (answer.status === 401 || answer.status === 403) return `refused ${answer.status}`;
  if (isRefused?.(answer)) return "refused in the answer";
  return answers.includes(answer.status) ? "answered" : `unexpected ${answer.status} ${answer.text.slice(0, 200)}`;
}

function expectedOf(one: MatrixCase, caller: MatrixCaller, access: Access): string {
  if (one.may(caller, access)) return "answered";
  if (one.isRefused) return "refused in the answer";
  return caller.kind === "stranger" && !one.isForNobody?.(access) ? "refused 401" : "refused 403";
}

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
      for (const one of operations) {
        const id = String(one.operation.operationId);
        const known = MATRIX[id]!;
        for (const caller of CALLERS) {
          const answer = await send(caller, registry, known.ask(subjects[registry]!));
          // An operation that takes no signed requests does not look at the signature.
          const seen: MatrixCaller = caller.kind === "node" && !takesNodes(one) ? { kind: "stranger" } : caller;
          const [found, expected] = [outcomeOf(known, answer), expectedOf(known, seen, access)];
          if (found !== expected) faults.push(`${id} by ${nameOf(caller)}: ${found}, expected: ${expected}`);
          const isShown = answer.text.includes(SECRET);
          const isMeant = known.showsPersonal === true && isReader(caller, access);
          if (isShown !== isMeant)
            faults.push(`${id} ${isShown ? "shows" : "hides from"} ${nameOf(caller)} what is personal`);
        }
      }
      expect(faults).toEqual([]);
    },
    300_000,
  );
});
