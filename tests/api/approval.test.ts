// Approval over HTTP: what a definition makes a proposal, who decides, and what comes of decisions made at once.
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { sweepAttachments } from "../../src/records/attachments/attachment-store.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";

const SECRET = "Personal-Value-7e11c2";

let now = Math.floor(Date.now() / 1_000);
let node: TestNode;
const tokens: Record<string, string> = {};

const deeds = definition("deeds", {
  access: "consent",
  properties: { tax: { type: "string", "x-personal": true } },
  members: { approval: ["approver"] },
});
const twice = definition("twice", { members: { approval: ["registrar", "approver"] } });

beforeAll(async () => {
  node = await startTestNode({ clock: () => now });
  for (const one of [deeds, twice]) expect((await node.publish(one)).status).toBe(201);
  for (const [name, role] of [
    ["asha", "registrar"],
    ["bram", "registrar"],
    ["chen", "approver"],
    ["devi", "approver"],
    ["eva", "reader"],
    ["finn", "auditor"],
    ["gita", "operator"],
  ] as const)
    tokens[name] = await node.token(role, { name });
});

afterAll(() => node?.close());

type Person = "asha" | "bram" | "chen" | "devi" | "eva" | "finn" | "gita";

const ask = (who: Person, method: string, path: string, json?: JsonObject, headers?: Record<string, string>) =>
  node.request(method, path, { token: tokens[who], ...(json && { json }), ...(headers && { headers }) });

let codes = 0;
const newCode = () => `c${++codes}`;

async function propose(who: Person, registry = "deeds", more: JsonObject = {}): Promise<JsonObject> {
  const code = newCode();
  const answer = await ask(who, "POST", `/registries/${registry}/records`, {
    data: { code, name: `Deed ${code}`, ...more },
  });
  expect(answer.status, answer.text).toBe(202);
  return answer.body.proposal as JsonObject;
}

const decide = (who: Person, proposal: JsonObject, what: "approve" | "return" | "withdraw", json?: JsonObject) =>
  ask(who, "POST", `/proposals/${String(proposal.id)}/${what}`, json);

const approve = (who: Person, proposal: JsonObject, note?: string) =>
  decide(who, proposal, "approve", note === undefined ? undefined : { note });

async function createApproved(more: JsonObject = {}): Promise<JsonObject> {
  const answer = await approve("chen", await propose("asha", "deeds", more));
  expect(answer.status, answer.text).toBe(200);
  const { rid } = answer.body.result as JsonObject;
  return (await ask("asha", "GET", `/registries/deeds/records/${String(rid)}`)).body;
}

const codeOf = ({ status, body }: Answer) => [status, body.code];
const find = async (proposal: JsonObject, who: Person = "chen") =>
  (await ask(who, "GET", `/proposals/${String(proposal.id)}`)).body;

describe("a change that others must approve", () => {
  it("is answered with a proposal, and is nowhere until it is approved", async () => {
    const answer = await ask("asha", "POST", "/registries/deeds/records", {
      data: { code: "first", name: "First", tax: SECRET },
      act: { reason: "transfer" },
    });
    expect(answer.status).toBe(202);
    const proposal = answer.body.proposal as JsonObject;
    expect(answer.headers.get("location")).toBe(proposal.href);
    expect(proposal).toMatchObject({ kind: "create", state: "waiting", waits_for: "approver", registry: "deeds" });
    const list = await ask("eva", "POST", "/registries/deeds/records:search", { fields: { code: "first" } });
    expect(list.body.records).toEqual([]);

    const shown = await find(proposal);
    expect(shown).toMatchObject({
      proposed_by: { name: "asha", role: "registrar" },
      may: ["approve", "return"],
      change: { act: { reason: "transfer" }, after: { data: { code: "first", name: "First", tax: SECRET } } },
    });
    const approved = await approve("chen", proposal, "compared with the deed");
    expect(approved.body).toMatchObject({
      state: "done",
      approvals: [{ name: "chen", role: "approver", note: "compared with the deed" }],
      may: [],
    });
    expect(approved.body.change).toBeUndefined();
  });

  it("has in its signed act who proposed and who approved it, as pseudonyms that only staff see", async () => {
    const record = await createApproved({ tax: SECRET });
    const history = await ask("chen", "GET", `/registries/deeds/records/${String(record.rid)}/history`);
    const [{ act }] = history.body.entries as [{ act: JsonObject }];
    const { by, approved } = act as { by: string; approved: { role: string; by: string }[] };
    expect(act).toMatchObject({ role: "registrar" });
    expect(approved).toEqual([{ role: "approver", by: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) }]);
    expect(approved[0]!.by).not.toBe(by);
    // In the token that is handed out they are disclosures, withheld.
    const payload = decodeJwt(String(record.token).split("~")[0]!);
    expect(payload.act).not.toHaveProperty("approved");
    expect(payload.act).toMatchObject({ role: "registrar" });
    const disclosed = String(record.token)
      .split("~")
      .slice(1)
      .map((text) => Buffer.from(text, "base64url").toString());
    expect(disclosed.some((text) => text.includes('"approved"'))).toBe(true);
  });

  it("is refused at once where it could never be made", async () => {
    const before = (await ask("asha", "GET", "/proposals?for=mine")).body.proposals as unknown[];
    const wrong = await ask("asha", "POST", "/registries/deeds/records", { data: { code: "wrong" } });
    expect(codeOf(wrong)).toEqual([422, "record_invalid"]);
    const taken = await ask("asha", "POST", "/registries/deeds/records", { data: { code: "first", name: "x" } });
    expect(codeOf(taken)).toEqual([409, "value_not_unique"]);
    const eve = await ask("eva", "POST", "/registries/deeds/records", { data: { code: "e", name: "x" } });
    expect(codeOf(eve)).toEqual([403, "permission_denied"]);
    expect((await ask("asha", "GET", "/proposals?for=mine")).body.proposals).toHaveLength(before.length);
  });

  it("is the same proposal when the request is sent again under its key, whatever has become of it", async () => {
    const json = { data: { code: newCode(), name: "Once" } };
    const send = () => ask("asha", "POST", "/registries/deeds/records", json, { "idempotency-key": "again" });
    const [first, beside] = await Promise.all([send(), send()]);
    const { id } = first.body.proposal as JsonObject;
    expect((beside.body.proposal as JsonObject).id).toBe(id);
    expect((await approve("chen", { id: id! })).status).toBe(200);
    const after = await send();
    expect([after.status, after.body.proposal]).toMatchObject([202, { id, state: "done" }]);
    const other = await ask(
      "asha",
      "POST",
      "/registries/deeds/records",
      { data: { code: "o", name: "x" } },
      { "idempotency-key": "again" },
    );
    expect(codeOf(other)).toEqual([422, "idempotency_key_reused"]);
  });

  it("covers amendments, every change of state, and erasure", async () => {
    const record = await createApproved();
    const path = `/registries/deeds/records/${String(record.rid)}`;
    const version = async () => {
      const { status, body } = await ask("asha", "GET", path);
      return status === 410 ? "erased" : `${String(body.version)} ${String(body.state)}`;
    };
    const amended = await ask("asha", "PATCH", path, { data: { name: "Renamed" } }, { "if-match": '"1.0"' });
    expect(amended.status).toBe(202);
    expect((await find(amended.body.proposal as JsonObject)).change).toMatchObject({
      changes: [{ field: "/data/name", before: record.data && (record.data as JsonObject).name, after: "Renamed" }],
    });
    expect(await version()).toBe("1 active");
    expect((await approve("chen", amended.body.proposal as JsonObject)).status).toBe(200);
    expect(await version()).toBe("2 active");
    for (const [operation, state] of [
      ["suspend", "2 suspended"],
      ["reinstate", "2 active"],
      ["revoke", "2 revoked"],
      ["erase", "erased"],
    ] as const) {
      const before = await version();
      const answer = await ask("asha", "POST", `${path}/${operation}`, {
        act: { reason: "asked for", instrument: "Act 1" },
      });
      expect([operation, answer.status]).toEqual([operation, 202]);
      expect([operation, await version()]).toEqual([operation, before]);
      const approved = await approve("devi", answer.body.proposal as JsonObject);
      expect([operation, approved.status, approved.text]).toMatchObject([operation, 200, expect.any(String)]);
      expect([operation, await version()]).toEqual([operation, state]);
    }
  });

  it("covers replacements, bound to the version of everything that they replace", async () => {
    const [one, two] = [await createApproved(), await createApproved()];
    const merge = { by: [{ data: { code: newCode(), name: "Merged" } }], also: [{ rid: two.rid! }] };
    const path = (record: JsonObject) => `/registries/deeds/records/${String(record.rid)}`;
    const first = await ask("asha", "POST", `${path(one)}/replace`, merge);
    expect(first.status, first.text).toBe(202);
    const amended = await ask("asha", "PATCH", path(two), { data: { name: "Two" } }, { "if-match": '"1.0"' });
    await approve("chen", amended.body.proposal as JsonObject);
    const late = await approve("chen", first.body.proposal as JsonObject);
    expect(codeOf(late)).toEqual([412, "version_conflict"]);
    const again = await ask("asha", "POST", `${path(one)}/replace`, merge);
    const done = await approve("chen", again.body.proposal as JsonObject);
    expect(done.body).toMatchObject({ state: "done", result: { state: "replaced" } });
    expect((await ask("asha", "GET", path(two))).body.state).toBe("replaced");
  });
});

describe("imports", () => {
  const rows = (...codes: string[]) =>
    codes.map((code) => `${JSON.stringify({ data: { code, name: code } })}\n`).join("");
  const send = (body: string, headers: Record<string, string> = {}, query = "") =>
    node.request("POST", `/registries/deeds/records:import${query}`, {
      token: tokens.asha,
      body,
      headers: { "content-type": "application/x-ndjson", ...headers },
    });
  const outcomes = ({ text }: Answer) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);

  it("propose what would be written, in one proposal, and tell the other rows at once", async () => {
    const body = `${rows("i1", "i2", "first")}{"data":{"code":"i3"}}\n`;
    const answer = await send(body, { "idempotency-key": "import" });
    const told = outcomes(answer);
    expect(told.map(({ outcome }) => outcome)).toEqual(["proposed", "proposed", "refused", "refused"]);
    expect(told[0]!.proposal).toBe(told[1]!.proposal);
    const id = String(told[0]!.proposal).split("/").at(-1)!;
    expect(await find({ id })).toMatchObject({ kind: "import", change: { count: 2, mode: "create" } });
    const again = outcomes(await send(body, { "idempotency-key": "import" }));
    expect(again[0]!.proposal).toBe(told[0]!.proposal);
    const done = await approve("chen", { id });
    expect(done.body).toMatchObject({ state: "done", result: { created: 2, refused: 0 } });
    const after = outcomes(await send(body, { "idempotency-key": "import" }));
    expect(after.map(({ outcome }) => outcome)).toEqual(["created", "created", "refused", "refused"]);
    const history = await ask("chen", "GET", `/registries/deeds/records/${String(after[0]!.rid)}/history`);
    expect((history.body.entries as JsonObject[])[0]!.act).toMatchObject({ approved: [{ role: "approver" }] });
  });

  it("are foretold without a proposal, and one row that has come otherwise holds up no other", async () => {
    expect(outcomes(await send(rows("j1"), {}, "?dryRun=true"))[0]!.outcome).toBe("created");
    const id = String(outcomes(await send(rows("j1", "j2")))[0]!.proposal)
      .split("/")
      .at(-1)!;
    const meanwhile = await ask("bram", "POST", "/registries/deeds/records", { data: { code: "j1", name: "Other" } });
    await approve("chen", meanwhile.body.proposal as JsonObject);
    const done = await approve("chen", { id });
    expect(done.body).toMatchObject({
      state: "done",
      result: { created: 1, refused: 1, refusals: [{ row: "0", code: "value_not_unique" }] },
    });
  });

  it("are gone on with after a process stopped in the middle, and no row is written twice", async () => {
    const id = String(outcomes(await send(rows("k1", "k2"), { "idempotency-key": "torn" }))[0]!.proposal)
      .split("/")
      .at(-1)!;
    const { sql } = node.database.database;
    const read = async () =>
      (await sql<{ state: string; sealed: Uint8Array }[]>`select state, sealed from proposal where id = ${id}`)[0]!;
    // While somebody else holds the log: approved, and no row is written yet.
    let approving: Promise<Answer> | undefined;
    const held = await sql.begin(async (tx) => {
      await tx`select 1 from log_state where name = 'records' for update`;
      approving = approve("chen", { id });
      await expect.poll(async () => (await read()).state).toBe("carrying_out");
      return read();
    });
    expect((await approving!).body.state).toBe("done");
    // As a process leaves it that stops after its last row and before it says so.
    await sql`update proposal set state = 'carrying_out', sealed = ${held.sealed}, decided_at = ${now - 3_600} where id = ${id}`;
    await node.node.proposals.sweep();
    expect(await find({ id })).toMatchObject({ state: "done", result: { created: 2, refused: 0 } });
    const found = await ask("chen", "POST", "/registries/deeds/records:search", { fields: { code: "k1" } });
    expect(found.body.records).toHaveLength(1);
  });
});

describe("migrations", () => {
  it("are proposed as a whole, and carried out for every record once they are approved", async () => {
    const members = { approval: ["approver"] };
    const halls = (seats: JsonObject) => definition("halls", { properties: { seats }, members });
    expect((await node.publish(halls({ type: "string" }))).status).toBe(201);
    const rids: string[] = [];
    for (const seats of ["10", "20", "many"]) {
      const proposal = await propose("asha", "halls", { seats });
      rids.push(String(((await approve("chen", proposal)).body.result as JsonObject).rid));
    }
    const changed = await ask("gita", "PUT", "/registries/halls?allow-breaking=true", halls({ type: "integer" }));
    expect((await approve("chen", changed.body.proposal as JsonObject)).body.state).toBe("done");
    const plan = { to: 2, steps: [{ step: "convert", field: "seats", to: "integer" }] };
    const migrate = (json: JsonObject) => ask("asha", "POST", "/registries/halls/records:migrate", json);
    expect(codeOf(await migrate({ plan, after: "1" }))).toEqual([409, "approval_required"]);
    const answer = await migrate({ plan, limit: 1 });
    expect(answer.status, answer.text).toBe(202);
    const proposal = answer.body.proposal as JsonObject;
    expect((await find(proposal)).change).toMatchObject({ count: 3, examples: [{ from: 1 }, { from: 1 }] });
    const done = await approve("chen", proposal);
    expect(done.body).toMatchObject({ state: "done", result: { migrated: 2, refused: 1 } });
    const versions = await Promise.all(rids.map((rid) => ask("asha", "GET", `/registries/halls/records/${rid}`)));
    expect(versions.map(({ body }) => body.version)).toEqual([2, 2, 1]);
  });
});

describe("definitions", () => {
  it("of a registry whose changes others approve are changed only with their approval", async () => {
    const changed = { ...twice, approval: [] };
    const answer = await ask("gita", "PUT", "/registries/twice?allow-breaking=true", changed);
    expect(answer.status, answer.text).toBe(202);
    const proposal = answer.body.proposal as JsonObject;
    expect((await ask("gita", "GET", "/registries/twice")).body.approval).toEqual(["registrar", "approver"]);
    expect(codeOf(await approve("gita", proposal))).toEqual([403, "permission_denied"]);
    expect((await find(proposal)).change).toMatchObject({ changes: [{ field: "/approval" }] });
    expect((await approve("asha", proposal)).body).toMatchObject({ state: "waiting", step: 1, waits_for: "approver" });
    const returned = await decide("chen", proposal, "return", { reason: "four eyes stay" });
    expect(returned.body).toMatchObject({ state: "returned", reason: "four eyes stay" });
    expect((await find(proposal, "gita")).reason).toBe("four eyes stay");
  });

  it("that moved on are said to stand against a change, which can still be returned", async () => {
    const publish = (field: string) =>
      ask("gita", "PUT", "/registries/deeds", {
        ...definition("deeds", {
          access: "consent",
          properties: { tax: { type: "string", "x-personal": true }, [field]: { type: "string" } },
          members: { approval: ["approver"] },
        }),
      });
    const [first, second] = [await publish("street"), await publish("lane")].map(
      ({ body }) => body.proposal as JsonObject,
    );
    // Whoever publishes the same every night proposes it once.
    expect(((await publish("lane")).body.proposal as JsonObject).id).toBe(second!.id);
    expect((await approve("chen", first!)).body.state).toBe("done");
    expect((await find(second!)).change).toMatchObject({ conflict: expect.stringContaining("version 2") });
    const returned = await decide("chen", second!, "return", { reason: "it follows version 1" });
    expect(returned.status, returned.text).toBe(200);
  });

  it("that name others meanwhile are obeyed: what was approved by the rule before is not written", async () => {
    const proposal = await propose("asha", "twice");
    expect((await approve("bram", proposal)).body.step).toBe(1);
    const stricter = await ask("gita", "PUT", "/registries/twice?allow-breaking=true", {
      ...twice,
      approval: ["approver", "approver"],
    });
    const change = stricter.body.proposal as JsonObject;
    expect((await approve("asha", change)).status).toBe(200);
    expect((await approve("devi", change)).body.state).toBe("done");
    expect(codeOf(await approve("chen", proposal))).toEqual([412, "version_conflict"]);
    expect((await find(proposal, "asha")).state).toBe("failed");
    const again = await propose("asha", "twice");
    expect(again.waits_for).toBe("approver");
    expect((await approve("chen", again)).body).toMatchObject({ state: "waiting", step: 1 });
    expect(codeOf(await approve("chen", again))).toEqual([403, "proposal_own"]);
    expect((await approve("devi", again)).body.state).toBe("done");
  });
});

describe("who decides", () => {
  it("is never who proposed it, nor who is in another role", async () => {
    const proposal = await propose("asha", "deeds");
    for (const who of ["asha", "bram", "eva", "finn", "gita"] as const) {
      const answer = await approve(who, proposal);
      expect([who, answer.status], answer.text).toEqual([who, ["eva", "finn", "gita"].includes(who) ? 404 : 403]);
    }
    const { id } = proposal;
    const asProposer = await node.request("POST", `/proposals/${String(id)}/approve`, {});
    expect(asProposer.status).toBe(401);
    expect((await approve("chen", proposal)).status).toBe(200);
  });

  it("is told what became of the own proposal in any role, and what it says only where that may be read", async () => {
    const proposal = await propose("asha", "deeds", { tax: SECRET });
    const path = `/proposals/${String(proposal.id)}`;
    const elsewhere = await node.token("operator", { name: "asha" });
    const read = async (token: string | undefined) => (await node.request("GET", path, { token })).body;
    expect(await read(tokens.asha)).toMatchObject({
      change: { after: { data: { tax: SECRET } } },
      title: expect.stringMatching(/^Deed/),
    });
    const told = await read(elsewhere);
    expect(told).toMatchObject({ id: proposal.id, state: "waiting" });
    expect([told.change, told.title]).toEqual([undefined, undefined]);
    const list = await node.request("GET", "/proposals?for=mine", { token: elsewhere });
    const [listed] = (list.body.proposals as JsonObject[]).filter(({ id }) => id === proposal.id);
    expect([listed?.id, listed?.title]).toEqual([proposal.id, undefined]);
    expect((await approve("chen", proposal)).body.state).toBe("done");
  });

  it("says why when returning, and the proposer withdraws only what is the proposer's", async () => {
    const proposal = await propose("asha");
    expect((await decide("chen", proposal, "return", { reason: "  " })).status).toBe(400);
    expect(codeOf(await decide("bram", proposal, "withdraw"))).toEqual([403, "permission_denied"]);
    expect((await decide("asha", proposal, "withdraw")).body.state).toBe("withdrawn");
    expect(codeOf(await approve("chen", proposal))).toEqual([409, "proposal_decided"]);
  });

  it("sees what waits for them, and only of registries and jurisdictions that are theirs", async () => {
    const bounded = definition("wards", {
      properties: { ward: { type: "string" } },
      members: { approval: ["approver"], jurisdiction: [{ field: "ward", claim: "ward" }] },
    });
    expect((await node.publish(bounded)).status).toBe(201);
    const clerk = await node.token("registrar", { name: "clerk", claims: { ward: ["7"] } });
    const here = await node.token("approver", { name: "here", claims: { ward: ["7"] } });
    const there = await node.token("approver", { name: "there", claims: { ward: ["8"] } });
    const elsewhere = await node.token("approver", { registries: ["deeds"], claims: { ward: ["7"] } });
    const created = await node.request("POST", "/registries/wards/records", {
      token: clerk,
      json: { data: { code: "w1", name: "Ward", ward: "7" } },
    });
    expect(created.status, created.text).toBe(202);
    const { id } = created.body.proposal as JsonObject;
    const list = (token: string) => node.request("GET", "/proposals?for=me&registry=wards", { token });
    const listed = async (token: string) =>
      ((await list(token)).body.proposals as JsonObject[]).map((proposal) => proposal.id);
    expect([await listed(here), await listed(there)]).toEqual([[id], []]);
    expect(codeOf(await list(elsewhere))).toEqual([403, "permission_denied"]);
    const decideBy = (token: string, of: JsonObject) =>
      node.request("POST", `/proposals/${String(of.id)}/approve`, { token });
    for (const token of [there, elsewhere]) expect((await decideBy(token, { id: id! })).status).toBe(404);
    const done = await decideBy(here, { id: id! });
    expect(done.status).toBe(200);
    // Of what it was about nothing is kept any more, so nothing tells whose it was: its own people see what became of it.
    const see = async (token: string) => (await node.request("GET", `/proposals/${String(id)}`, { token })).status;
    expect([await see(here), await see(clerk), await see(there)]).toEqual([200, 200, 404]);

    // Nobody of one ward alone gives a record away to another.
    const mover = await node.token("registrar", { name: "mover", claims: { ward: ["7", "8"] } });
    const both = await node.token("approver", { name: "head", claims: { ward: ["*"] } });
    const moved = await node.request(
      "PATCH",
      `/registries/wards/records/${String((done.body.result as JsonObject).rid)}`,
      {
        token: mover,
        json: { data: { ward: "8" } },
        headers: { "if-match": '"1.0"' },
      },
    );
    const proposal = moved.body.proposal as JsonObject;
    for (const token of [here, there]) expect((await decideBy(token, proposal)).status).toBe(404);
    expect((await decideBy(both, proposal)).status).toBe(200);
  });

  it("decides nothing with a token that ended, or in a role that was taken away, meanwhile", async () => {
    const proposal = await propose("asha");
    const gone = await node.token("approver", { name: "devi", seconds: 60 });
    expect((await node.request("GET", `/proposals/${String(proposal.id)}`, { token: gone })).status).toBe(200);
    now += 600;
    const refused = await node.request("POST", `/proposals/${String(proposal.id)}/approve`, { token: gone });
    expect(refused.status).toBe(401);
    expect((await find(proposal)).state).toBe("waiting");
    // Nor does who is the same person in a role that decides nothing.
    const demoted = await node.token("reader", { name: "devi" });
    expect((await node.request("POST", `/proposals/${String(proposal.id)}/approve`, { token: demoted })).status).toBe(
      404,
    );
    expect((await find(proposal, "asha")).state).toBe("waiting");
    expect((await approve("chen", proposal)).status).toBe(200);
  });
});

describe("at once", () => {
  it("two approvals and a return leave one decision, which everybody is told", async () => {
    const ended = { done: 0, returned: 0 };
    for (let round = 0; round < 12; round++) {
      const proposal = await propose("asha");
      const answers = await Promise.all([
        approve("chen", proposal),
        decide(round % 2 === 0 ? "devi" : "chen", proposal, "return", { reason: "not yet" }),
        approve("devi", proposal),
      ]);
      const { state } = (await find(proposal)) as { state: "done" | "returned" };
      ended[state]++;
      const won = answers.filter(({ status }) => status === 200);
      expect([state, won.length, answers.map(({ status }) => status)]).toMatchObject([state, 1, expect.any(Array)]);
      for (const { status, body } of answers)
        if (status !== 200) expect([status, body.code]).toEqual([409, "proposal_decided"]);
      const list = await ask("chen", "POST", "/registries/deeds/records:search", { fields: { code: `c${codes}` } });
      expect(list.body.records).toHaveLength(state === "done" ? 1 : 0);
      expect((await find(proposal, "asha")).state).toBe(state);
    }
    expect(ended.done + ended.returned).toBe(12);
  });

  it("of two proposals about one version of a record the second fails, and both are told so", async () => {
    const record = await createApproved();
    const path = `/registries/deeds/records/${String(record.rid)}`;
    const amend = (who: Person, name: string) => ask(who, "PATCH", path, { data: { name } }, { "if-match": '"1.0"' });
    const [first, second] = [await amend("asha", "One"), await amend("bram", "Two")].map(
      ({ body }) => body.proposal as JsonObject,
    );
    expect((await approve("chen", first!)).status).toBe(200);
    expect((await find(second!)).change).toHaveProperty("conflict");
    const failed = await approve("chen", second!);
    expect(codeOf(failed)).toEqual([412, "version_conflict"]);
    expect(await find(second!, "bram")).toMatchObject({ state: "failed", code: "version_conflict", may: ["withdraw"] });
  });
});

describe("what is kept of a proposal", () => {
  it("is sealed, and gone with the record that it is about", async () => {
    const record = await createApproved();
    const path = `/registries/deeds/records/${String(record.rid)}`;
    const amended = await ask("asha", "PATCH", path, { data: { tax: SECRET } }, { "if-match": '"1.0"' });
    const proposal = amended.body.proposal as JsonObject;
    const rows = await node.database.database.sql<
      { row: string }[]
    >`select row_to_json(proposal)::text as row from proposal`;
    expect(rows.length).toBeGreaterThan(10);
    for (const { row } of rows) {
      for (const plain of [SECRET, "asha", "chen", "four eyes"]) expect(row).not.toContain(plain);
      expect(Buffer.from(/"sealed":"\\\\x([0-9a-f]*)"/.exec(row)?.[1] ?? "", "hex").toString("latin1")).not.toContain(
        SECRET,
      );
    }
    const erased = await ask("bram", "POST", `${path}/erase`, { act: { reason: "court", instrument: "Order 5" } });
    expect((await approve("chen", erased.body.proposal as JsonObject)).body.state).toBe("done");
    const left = await find(proposal, "asha");
    expect(JSON.stringify(left)).not.toContain(SECRET);
    expect(left.change).toBeUndefined();
    expect(codeOf(await approve("chen", proposal))).toEqual([410, "record_erased"]);
    expect((await find(proposal, "asha")).state).toBe("failed");
  });

  it("says nothing of a record that was made by it and erased since", async () => {
    const proposal = await propose("asha", "deeds", { tax: SECRET, name: "Kamala Iyer" });
    const { rid } = (await approve("chen", proposal)).body.result as JsonObject;
    expect(await find(proposal, "asha")).toMatchObject({ state: "done", proposed_by: { name: "asha" } });
    const erase = await ask("asha", "POST", `/registries/deeds/records/${String(rid)}/erase`, {
      act: { reason: "court", instrument: "Order 6" },
    });
    await approve("chen", erase.body.proposal as JsonObject);
    expect(JSON.stringify(await find(proposal, "asha"))).not.toMatch(/Kamala|asha|chen/);
    const [row] = await node.database.database.sql<{ bytes: number; hash: string | null }[]>`
      select octet_length(sealed) as bytes, request as hash from proposal where id = ${String(proposal.id)}`;
    expect(row).toEqual({ bytes: 0, hash: null });
  });

  it("keeps the files that it names as long as it is open", async () => {
    const plan = definition("plans", {
      properties: { plan: { type: "object", "x-attachment": true } },
      members: { approval: ["approver"] },
    });
    expect((await node.publish(plan)).status).toBe(201);
    const upload = await node.request("POST", "/registries/plans/attachments", {
      token: tokens.asha,
      body: "%PDF-1.7\n%%EOF\n",
      headers: { "content-type": "application/pdf" },
    });
    const proposal = await propose("asha", "plans", { plan: upload.body });
    const { database } = node.database;
    const longAgo = { before: now + 86_400 };
    expect(await sweepAttachments(database, longAgo)).toBe(0);
    expect((await approve("chen", proposal)).body.state).toBe("done");
    expect(await sweepAttachments(database, longAgo)).toBe(0);
  });

  it("survives a restart, and ends when its time is over", async () => {
    const [kept, late] = [await propose("asha"), await propose("asha")];
    await node.restart();
    expect((await approve("chen", kept)).body.state).toBe("done");
    now += 30 * 86_400 + 1;
    for (const [name, role] of [
      ["chen", "approver"],
      ["asha", "registrar"],
    ] as const)
      tokens[`${name}2`] = await node.token(role, { name, seconds: 999_999_999 });
    const answer = await node.request("POST", `/proposals/${String(late.id)}/approve`, { token: tokens.chen2 });
    expect(codeOf(answer)).toEqual([409, "proposal_decided"]);
    await node.node.proposals.sweep();
    const { body } = await node.request("GET", `/proposals/${String(late.id)}`, { token: tokens.chen2 });
    expect([body.state, body.change]).toEqual(["expired", undefined]);
  });
});
