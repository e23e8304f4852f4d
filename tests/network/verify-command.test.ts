// `attestry evidence` and `attestry verify` as an agency runs them: the built program against real nodes, files and exit codes.
import { execFile, execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256Base64url } from "../../src/crypto/hash.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { parsePublicKey } from "../../src/crypto/keys.ts";
import { encodePrintForm } from "../../src/verification/print-form.ts";
import { verifySignedReport } from "../../src/verification/signed-report.ts";
import { ensureBuilt } from "../built-program.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const COMMANDS_MS = 120_000;
const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

let anchor: TestNode;
let local: TestNode;
let directory: string;
let policy: string;
let well: string;
let evidence: JsonObject;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function attestry(...args: string[]): Promise<Ended> {
  return attestryWith("", ...args);
}

function attestryWith(input: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const environment = { PATH: process.env.PATH ?? "", HOME: directory, ATTESTRY_DATA: join(directory, "no-data") };
    const child = execFile(process.execPath, [MAIN, ...args], { env: environment }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

const file = (name: string, value: unknown): string => {
  const path = join(directory, name);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
};

async function judge(...args: string[]): Promise<JsonObject> {
  const { code, stdout, stderr } = await attestry("verify", "--policy", policy, "--development", "--json", ...args);
  expect(stderr).toBe("");
  return { code, ...(JSON.parse(stdout) as JsonObject) };
}

const codeOf = (found: JsonObject, check: string) =>
  ((found.report as JsonObject).checks as JsonObject[]).find((one) => one.check === check)!.code;

async function post(path: string, json: JsonObject): Promise<JsonObject> {
  const answer = await local.request("POST", path, { token: await local.token("registrar"), json });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body;
}

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-verify-"));
  anchor = await startTestNode();
  const pins = [anchor.pin(["wells", "springs"])];
  local = await startTestNode({ superiors: [anchor.entity], anchors: pins });
  await anchor.node.federation.acceptSubordinate({ entity: local.entity, registryTypes: ["wells", "springs"] });
  expect((await local.publish(definition("wells"))).status).toBe(201);
  expect((await local.publish(definition("springs", { access: "members" }))).status).toBe(201);
  well = String((await post("/registries/wells/records", { data: { code: "1", name: "Old well" } })).href);
  policy = file("policy.json", { anchors: pins, statusMaxAgeSeconds: 300 });
}, 180_000);

// A status list holds for five minutes, and a busy machine may take longer for all of this.
beforeEach(async () => {
  evidence = (await local.request("GET", `${well.slice(local.entity.length)}/evidence`)).body;
});

afterAll(async () => {
  for (const node of [local, anchor]) await node?.close();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

describe("attestry evidence", { timeout: COMMANDS_MS }, () => {
  it("prints the evidence, or writes it whole to a file, which then verifies offline", async () => {
    const printed = await attestry("evidence", well);
    expect([printed.code, Object.keys(JSON.parse(printed.stdout) as object)]).toEqual([0, Object.keys(evidence)]);
    const output = join(directory, "fetched.json");
    expect((await attestry("evidence", well, "--version", "1", "--output", output)).stdout).toContain(
      "attestry verify",
    );
    expect(existsSync(`${output}.part`)).toBe(false);
    expect(await judge("--offline", output)).toMatchObject({ code: 0, verdict: "valid", input: output });
  });

  it.each<[string, () => string[], string]>([
    ["an address that is no record's", () => [`${local.entity}/registries/wells`], "request_invalid"],
    ["a version that is none", () => [well, "--version", "0"], "request_invalid"],
    ["a version that is not there", () => [well, "--version", "9"], "version_unknown"],
    ["a record that is not there", () => [`${well.slice(0, -1)}${well.endsWith("0") ? 1 : 0}`], "record_unknown"],
    ["a node that is silent", () => [well.replace(/:\d+/, ":9")], "peer_unreachable"],
    ["a place that cannot be written", () => [well, "--output", join(directory, "none", "x.json")], "request_invalid"],
  ])(
    "says of %s what is wrong, and leaves nothing behind",
    async (_name, args, code) => {
      const ended = await attestry("evidence", ...args(), "--json");
      expect([ended.code, ended.stdout]).toEqual([1, ""]);
      expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code } });
    },
    60_000,
  );

  it("fetches from a registry for members with a token, and not without", async () => {
    const { href } = await post("/registries/springs/records", { data: { code: "1", name: "Spring" } });
    const refused = await attestry("evidence", String(href));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("--token-file");
    const tokenFile = file("reader.token", await local.token("reader"));
    expect((await attestry("evidence", String(href), "--token-file", tokenFile)).code).toBe(0);
    expect(await judge(String(href), "--token-file", tokenFile)).toMatchObject({ code: 0, verdict: "valid" });
  });
});

describe("attestry verify", { timeout: COMMANDS_MS }, () => {
  it("shows people the verdict, the record and every check", async () => {
    const { code, stdout } = await attestry("verify", "--policy", policy, "--offline", file("one.json", evidence));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^VALID {2}/);
    for (const text of [well, "Old well", local.entity, anchor.entity, "In order."]) expect(stdout).toContain(text);
    expect(stdout.split("\n").filter((line) => /^ {2}(format|binding) /.test(line))).toHaveLength(2);
    expect(stdout).not.toContain("\u001b");
  });

  it("takes a token, a printed code and a link, and fetches what they lack from the home node", async () => {
    const token = String(evidence.token);
    const printed = await encodePrintForm(token);
    for (const input of [file("token.txt", token), token, printed, file("printed.txt", `${printed}\n`)]) {
      const found = await judge(input);
      expect(found, input).toMatchObject({ code: 0, verdict: "valid", online: { from: local.entity } });
      expect((found.online as JsonObject).decided).toContain("status");
      expect(await judge("--offline", input)).toMatchObject({ code: 2, verdict: "undecided" });
    }
    const link = `${local.entity}/verify?of=${encodeURIComponent(well)}&version=1`;
    for (const input of [well, link]) expect(await judge(input)).toMatchObject({ code: 0, verdict: "valid" });
    const offline = await attestry("verify", "--policy", policy, "--offline", token);
    expect(offline.stdout).toContain("Fresh proofs of its home node may settle: ");
    const fromInput = await attestryWith(token, "verify", "--policy", policy, "--development", "-");
    expect([fromInput.code, fromInput.stdout]).toEqual([0, expect.stringContaining("needed for: ")]);
  });

  it("is not talked into asking the home node when the record itself is at fault", async () => {
    const [jwt] = String(evidence.token).split("~");
    const forged = file("forged.json", { ...evidence, token: `${jwt!.slice(0, -4)}AAAA~` });
    const found = await judge(forged);
    expect(found).toMatchObject({ code: 1, verdict: "invalid" });
    expect(found.online).toBeUndefined();
    expect(codeOf(found, "signature")).toBe("signature_invalid");
  });

  it("asks no node that the anchors do not vouch for", async () => {
    const stranger = await startTestNode();
    try {
      const other = file("other.json", { anchors: [stranger.pin(["wells"])], statusMaxAgeSeconds: 300 });
      const args = ["verify", "--policy", other, "--development", "--json", String(evidence.token)];
      const { code, stdout } = await attestry(...args);
      expect([code, JSON.parse(stdout)]).toEqual([
        2,
        expect.objectContaining({
          verdict: "undecided",
          online: { error: expect.objectContaining({ code: "chain_not_found" }) },
        }),
      ]);
      const whole = await attestry("verify", "--policy", other, "--json", file("whole.json", evidence));
      expect([whole.code, codeOf(JSON.parse(whole.stdout) as JsonObject, "issuer")]).toEqual([1, "issuer_unknown"]);
    } finally {
      await stranger.close();
    }
  });

  it("judges as of another moment, and then by nothing that was said later", async () => {
    const path = file("then.json", evidence);
    const inAnHour = new Date(Date.now() + 3_000_000).toISOString();
    expect(codeOf(await judge("--at", inAnHour, path), "status")).toBe("status_stale");
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    const before = await judge("--at", yesterday, path);
    expect([before.code, before.verdict, before.online]).toEqual([2, "undecided", undefined]);
  });

  it("answers several inputs with the worst, and one bad file stops none of the rest", async () => {
    const args = [join(directory, "missing.json"), file("damaged.json", "{"), file("good.json", evidence)];
    const { code, stdout } = await attestry("verify", "--policy", policy, "--offline", "--json", ...args);
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(found.map(({ verdict }) => verdict)).toEqual(["undecided", "invalid", "valid"]);
    expect(found[0]!.error).toMatchObject({ code: "request_invalid" });
    expect(found[1]!.report).toMatchObject({ verdict: "invalid" });
    expect(JSON.stringify(found[1]!.report)).toContain("JSON object has no member name");
    expect(code).toBe(1);
    expect((await attestry("verify", "--policy", policy, "--offline", args[0]!, args[2]!)).code).toBe(2);
  });

  it("keeps a signed report without content, by the agency's own key, and the evidence that it is about", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const key = file("report-key.pem", privateKey.export({ format: "pem", type: "pkcs8" }));
    const [report, kept] = [join(directory, "report.jwt"), join(directory, "kept.json")];
    const agency = "https://agency.example";
    const args = ["--report", report, "--report-key", key, "--verifier", agency, "--keep", kept];
    expect(await judge(String(evidence.token), ...args)).toMatchObject({ code: 0, verdict: "valid" });
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    const known = parsePublicKey({ kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") });
    const text = readFileSync(report, "utf8").trim();
    const signed = await verifySignedReport(text, [known]);
    const evidenceText = readFileSync(kept, "utf8");
    expect(signed).toMatchObject({
      verifier: agency,
      verdict: "valid",
      record: { href: well, version: 1 },
      evidence: sha256Base64url(evidenceText),
    });
    expect(Buffer.from(text.split(".")[1]!, "base64url").toString()).not.toContain("Old well");
    expect(await judge("--offline", kept)).toMatchObject({ code: 0, verdict: "valid" });
    const bad = await attestry(
      "verify",
      "--policy",
      policy,
      kept,
      "--report",
      report,
      "--report-key",
      policy,
      "--verifier",
      agency,
    );
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("openssl genpkey")]);
  });

  it.each<[string, () => string[], string]>([
    ["no word on whom to trust", () => ["x.json"], "config_invalid"],
    ["two of them", () => ["--policy", policy, "--anchors", policy, "x.json"], "config_invalid"],
    ["a policy that is not there", () => ["--policy", `${policy}.none`, "x.json"], "config_invalid"],
    [
      "a policy with a member misspelt",
      () => ["--policy", file("bad.json", { anchor: [] }), "x.json"],
      "verifier_policy_invalid",
    ],
    ["nothing to verify", () => ["--policy", policy], "request_invalid"],
    ["a time that is none", () => ["--policy", policy, "--at", "noon", "x.json"], "request_invalid"],
  ])("with %s it could not decide, and says how to mend that", async (_name, args, code) => {
    const ended = await attestry("verify", ...args(), "--json");
    expect([ended.code, ended.stdout]).toEqual([2, ""]);
    expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code } });
  });

  it("ends with 2 where an option is unknown, and with 0 after its help", async () => {
    expect((await attestry("verify", "--bogus")).code).toBe(2);
    expect((await attestry("verify", "--help")).code).toBe(0);
  });

  it("trusts the anchors of a node of one's own, without being told", async () => {
    const data = join(directory, "data");
    mkdirSync(join(data, "nodes", "mine"), { recursive: true });
    writeFileSync(join(data, "nodes", "mine", "anchors.json"), JSON.stringify([anchor.pin(["wells"])]));
    const config = {
      entity: "http://127.0.0.1:1",
      organization_name: "Mine",
      listen: { host: "127.0.0.1", port: 1 },
      database: "mine",
      development: true,
      anchors: "anchors.json",
    };
    writeFileSync(join(data, "nodes", "mine", "config.json"), JSON.stringify(config));
    const { code, stdout } = await attestry("verify", "--data", data, well);
    expect([code, stdout]).toEqual([0, expect.stringContaining('the anchors of the node "mine"')]);
  });
});

describe("attestry verify --batch", { timeout: COMMANDS_MS }, () => {
  it("gives one answer for each input in a stable order, and the exit code of the worst", async () => {
    const batch = join(directory, "batch");
    mkdirSync(join(batch, "deeper"), { recursive: true });
    for (let at = 0; at < 90; at++)
      writeFileSync(join(batch, `r${String(at).padStart(3, "0")}.json`), JSON.stringify(evidence));
    writeFileSync(
      join(batch, "deeper", "lines.ndjson"),
      `${JSON.stringify(evidence)}\n\nno evidence\n${JSON.stringify(evidence)}`,
    );
    const run = () => attestry("verify", "--policy", policy, "--offline", "--batch", batch, "--json");
    const { code, stdout, stderr } = await run();
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(found).toHaveLength(93);
    expect(found.slice(0, 4).map(({ input, verdict }) => [input, verdict])).toEqual([
      ["deeper/lines.ndjson:1", "valid"],
      ["deeper/lines.ndjson:3", "invalid"],
      ["deeper/lines.ndjson:4", "valid"],
      ["r000.json", "valid"],
    ]);
    expect(found.map(({ input }) => input)).toEqual([...found.map(({ input }) => String(input))].sort());
    expect([code, stderr]).toEqual([1, expect.stringContaining("93 records: 92 valid, 1 not valid, 0 not decided")]);
    expect((await run()).stdout).toBe(stdout);
    rmSync(join(batch, "deeper"), { recursive: true });
    const people = await attestry("verify", "--policy", policy, "--offline", "--batch", batch);
    expect([people.code, people.stdout.trim().split("\n")]).toEqual([0, [expect.stringContaining("90 valid")]]);
  });

  it("says what is wrong with a directory that holds nothing", async () => {
    const empty = join(directory, "empty");
    mkdirSync(empty);
    for (const path of [empty, join(directory, "nowhere")]) {
      const ended = await attestry("verify", "--policy", policy, "--batch", path, "--json");
      expect([ended.code, JSON.parse(ended.stderr)]).toMatchObject([2, { error: { code: "request_invalid" } }]);
    }
  });

  it("is not stopped by files that are hostile: endless, of another encoding, unreadable", async () => {
    const batch = join(directory, "hostile");
    mkdirSync(batch);
    writeFileSync(join(batch, "a-huge.json"), Buffer.alloc(9_000_000, 0x20));
    writeFileSync(join(batch, "b-bytes.json"), Buffer.from([0x7b, 0xff, 0xfe]));
    writeFileSync(join(batch, "c-deep.json"), `{"token":${"[".repeat(100_000)}`);
    writeFileSync(join(batch, "d-good.json"), JSON.stringify(evidence));
    for (const name of ["e-pipe.json", "f-pipe.ndjson"]) execFileSync("mkfifo", [join(batch, name)]);
    symlinkSync(batch, join(batch, "g-itself"));
    const { code, stdout } = await attestry("verify", "--policy", policy, "--offline", "--batch", batch, "--json");
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(found.map(({ verdict, unreadable }) => (unreadable as JsonObject | undefined)?.code ?? verdict)).toEqual([
      "evidence_invalid",
      "encoding_invalid",
      "invalid",
      "valid",
      "undecided",
      "undecided",
      "undecided",
    ]);
    expect(code).toBe(1);
  });
});
