// Settings: what is read, what contradicts itself, and that each refusal names the setting.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkPrivateFile,
  chooseNodeName,
  databaseUrlFor,
  nodeDirectory,
  parseNodeConfig,
  readBearerToken,
  readNodeConfig,
  readPassphrase,
  readProcessConfig,
} from "../../src/config.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { isAttestryError } from "../../src/errors.ts";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "attestry-config-"));
  writeFileSync(join(directory, "anchors.json"), "[]");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Code and message of what `run` throws. */
function refusalOf(run: () => unknown): string {
  try {
    run();
    return "nothing";
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const FILE: JsonObject = {
  entity: "https://lgd.example/in",
  organization_name: "Local Government",
  listen: { host: "127.0.0.1", port: 8080 },
  database: "lgd",
};
const parse = (changes: JsonObject) => parseNodeConfig({ name: "lgd", directory, file: { ...FILE, ...changes } });

describe("the environment", () => {
  it("gives the process's settings, and the command line wins", () => {
    const env = { ATTESTRY_DATA: "/data", ATTESTRY_LOG_LEVEL: "error", ATTESTRY_DATABASE_PORT: "5999" };
    expect(readProcessConfig({}, env)).toEqual({
      dataDirectory: "/data",
      databaseUrl: undefined,
      databasePort: 5999,
      logLevel: "error",
    });
    const chosen = readProcessConfig({ data: "/other", logLevel: "debug" }, env);
    expect([chosen.dataDirectory, chosen.logLevel]).toEqual(["/other", "debug"]);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ["a log level that is none", { ATTESTRY_LOG_LEVEL: "loud" }, /ATTESTRY_LOG_LEVEL.*loud.*debug/],
    ["a port that is none", { ATTESTRY_DATABASE_PORT: "0x1" }, /ATTESTRY_DATABASE_PORT/],
    ["a port beyond all ports", { ATTESTRY_DATABASE_PORT: "99999" }, /ATTESTRY_DATABASE_PORT/],
    ["two databases at once", { DATABASE_URL: "postgres://h/", ATTESTRY_DATABASE_PORT: "1" }, /only one of them/],
    ["a database of another kind", { DATABASE_URL: "mysql://h/x" }, /DATABASE_URL/],
  ])("is refused with %s", (_name, env, message) => {
    const refused = refusalOf(() => readProcessConfig({}, env));
    expect(refused).toMatch(/^config_invalid/);
    expect(refused).toMatch(message);
  });

  it("never has its database password repeated in a refusal", () => {
    const env = { DATABASE_URL: "mysql://user:geheim@h/x" };
    expect(refusalOf(() => readProcessConfig({}, env))).not.toContain("geheim");
    const url = "postgres://user:geheim@h/named";
    expect(refusalOf(() => databaseUrlFor(url, { database: "a", nodeCount: 2 }))).not.toContain("geheim");
  });

  it("gives a node its own database, and a URL that names one serves one node only", () => {
    const own = databaseUrlFor("postgres://u:p@h:1/?ssl=true", { database: "a", nodeCount: 3 });
    expect(own).toBe("postgres://u:p@h:1/a?ssl=true");
    expect(databaseUrlFor("postgres://h/named", { database: "a", nodeCount: 1 })).toBe("postgres://h/named");
    expect(refusalOf(() => databaseUrlFor("postgres://h/named", { database: "a", nodeCount: 2 }))).toMatch(/2 nodes/);
  });

  it("gives the passphrase from one place only, and says where it looked", () => {
    const file = join(directory, "passphrase");
    writeFileSync(file, "from a file\n");
    expect(readPassphrase(directory, { ATTESTRY_PASSPHRASE: "from a variable" })).toBe("from a variable");
    expect(readPassphrase(directory, { ATTESTRY_PASSPHRASE_FILE: file })).toBe("from a file");
    const both = { ATTESTRY_PASSPHRASE: "a", ATTESTRY_PASSPHRASE_FILE: file };
    expect(refusalOf(() => readPassphrase(directory, both))).toMatch(/set only one of them/);
    expect(refusalOf(() => readPassphrase(directory, {}))).toMatch(/^config_invalid.*ATTESTRY_PASSPHRASE_FILE/);
    expect(refusalOf(() => readPassphrase(directory, { ATTESTRY_PASSPHRASE_FILE: "/nowhere" }))).toMatch(/\/nowhere/);
    expect(readBearerToken(file, {})).toBe("from a file");
    expect(readBearerToken(undefined, { ATTESTRY_TOKEN: "" })).toBeUndefined();
  });
});

describe("a node's config file", () => {
  it("takes gateways inside the operator's network, and on this machine by http in development alone", () => {
    const inside = { url: "https://10.0.0.7/hook", events: ["reading"] };
    expect(parse({ notifications: [inside] }).notifications).toEqual([inside]);
    const here = { url: "http://127.0.0.1:8025/hook", events: ["erased"] };
    expect(parse({ development: true, notifications: [here] }).notifications).toEqual([here]);
    expect(refusalOf(() => parse({ notifications: [here] }))).toMatch(/^config_invalid/);
    expect(
      refusalOf(() => parse({ development: true, notifications: [{ ...here, url: "http://10.0.0.7/hook" }] })),
    ).toMatch(/^config_invalid/);
  });

  it("gives the node's settings, with a base path out of the entity", () => {
    expect(parse({})).toMatchObject({ basePath: "/in", superiors: [], development: false, anchorsPath: undefined });
    expect(parse({ entity: "https://lgd.example" }).basePath).toBe("");
  });

  it.each<[string, JsonObject, RegExp]>([
    ["an unknown setting", { entitty: "x" }, /additional properties/],
    ["an entity that is no URL", { entity: "lgd" }, /entity/],
    ["http outside development", { entity: "http://127.0.0.1:1" }, /development/],
    ["itself as its superior", { superiors: ["https://lgd.example/in"], anchors: "anchors.json" }, /itself/],
    ["superiors and no anchors", { superiors: ["https://in.example"] }, /"anchors"/],
    ["anchors that are not there", { anchors: "elsewhere.json" }, /elsewhere\.json/],
    ["a port beyond all ports", { listen: { host: "127.0.0.1", port: 70_000 } }, /listen\/port/],
    ["no name of the department", { organization_name: "" }, /organization_name/],
    [
      "a gateway over http",
      { notifications: [{ url: "http://gateway.example/", events: ["reading"] }] },
      /"http:\/\/gateway.example\/" in "notifications" must be an https URL/,
    ],
    [
      "a gateway with a password in its address",
      { notifications: [{ url: "https://a:b@gateway.example/", events: ["reading"] }] },
      /without user/,
    ],
    ["a gateway that is no address", { notifications: [{ url: "gateway", events: ["reading"] }] }, /https URL/],
    ["a gateway of an event that there is not", { notifications: [{ url: "https://g/", events: ["x"] }] }, /events/],
    ["a gateway of nothing", { notifications: [{ url: "https://g.example/", events: [] }] }, /events/],
    [
      "the same gateway twice",
      {
        notifications: [
          { url: "https://g.example", events: ["reading"] },
          { url: "https://g.example/", events: ["erased"] },
        ],
      },
      /twice/,
    ],
  ])("is refused with %s", (_name, changes, message) => {
    const refused = refusalOf(() => parse(changes));
    expect(refused).toMatch(/^config_invalid/);
    expect(refused).toMatch(message);
  });

  it("says whether the node keeps registries, which decides on its directory, and for how long reports of checks are kept", () => {
    const read = (changes: JsonObject) => {
      const { isConsumer, keepsDirectory, keptReportDays } = parse(changes);
      return [isConsumer, keepsDirectory, keptReportDays];
    };
    expect(read({})).toEqual([false, true, 3_653]);
    expect(read({ consumer: true, kept_report_days: 30 })).toEqual([true, false, 30]);
    expect(read({ consumer: true, directory: true })).toEqual([true, true, 3_653]);
    for (const days of [0, 36_526, "30"])
      expect(refusalOf(() => parse({ kept_report_days: days }))).toMatch(/config_invalid.*kept_report_days/);
  });

  it("names the sign-in issuers, whose tokens are for this node unless it says otherwise", () => {
    const issuer = {
      issuer: "https://login.example/dept",
      roles_claim: "groups",
      roles: [{ value: "r", role: "reader" }],
    };
    const [parsed] = parse({ sign_in: { issuers: [issuer] } }).signInIssuers;
    expect(parsed).toMatchObject({ audience: FILE.entity, tokenType: "at+jwt", client: undefined, nameClaim: "name" });
    const refuse = (...changes: JsonObject[]) =>
      refusalOf(() => parse({ sign_in: { issuers: changes.map((change) => ({ ...issuer, ...change })) } }));
    expect(refuse({ issuer: "http://login.example" })).toMatch(/https URL/);
    expect(refuse({ issuer: "https://login.example/?tenant=1" })).toMatch(/without query/);
    expect(refuse({}, {})).toMatch(/twice/);
    // An ID token could pass for an access token.
    expect(refuse({ client: { id: "pages" }, audience: "pages" })).toMatch(/another than the id of its client/);
    expect(refuse({ algorithms: ["HS256"] })).toMatch(/algorithms/);
    expect(refuse({ algorithms: ["none"] })).toMatch(/algorithms/);
    expect(refuse({ roles: [{ value: "r", role: "superuser" }] })).toMatch(/role/);
  });

  it("names the claims of citizens as a list or a map; an issuer may be for citizens alone", () => {
    const issuer = { issuer: "https://id.example", client: { id: "pages" } };
    const read = (change: JsonObject) =>
      parse({ sign_in: { issuers: [{ ...issuer, ...change }] } }).signInIssuers.map(
        ({ citizenClaims, rolesClaim, roles }) => ({ citizenClaims, rolesClaim, roles }),
      );
    const nobody = { rolesClaim: undefined, roles: [] };
    expect(read({ citizen_claims: ["national_id"] })).toEqual([
      { ...nobody, citizenClaims: { national_id: "national_id" } },
    ]);
    expect(read({ citizen_claims: { national_id: "/pid" } })).toEqual([
      { ...nobody, citizenClaims: { national_id: "/pid" } },
    ]);
    const staff = { roles_claim: "groups", roles: [{ value: "r", role: "reader" }] };
    expect(read(staff)).toMatchObject([{ citizenClaims: undefined, rolesClaim: "groups" }]);
    const refuse = (change: JsonObject) => refusalOf(() => parse({ sign_in: { issuers: [{ ...issuer, ...change }] } }));
    for (const change of [
      {},
      { roles_claim: "groups" },
      { ...staff, citizen_claims: ["National Id"] },
      { ...staff, citizen_claims: { national_id: "" } },
      { ...staff, citizen_claims: "national_id" },
      // Citizens have pages only, and those need a client.
      { ...staff, client: undefined as unknown as JsonObject, citizen_claims: ["national_id"] },
    ])
      expect([change, refuse(change)]).toEqual([change, expect.stringMatching(/config_invalid.*sign_in/)]);
  });

  it("is read from the data directory, and a broken one is named", () => {
    const place = nodeDirectory(directory, "lgd");
    mkdirSync(place, { recursive: true });
    expect(refusalOf(() => readNodeConfig(directory, "lgd"))).toMatch(/^node_unknown/);
    writeFileSync(join(place, "config.json"), "{");
    expect(refusalOf(() => readNodeConfig(directory, "lgd"))).toMatch(/^config_invalid.*config\.json is not JSON/);
    writeFileSync(join(place, "config.json"), JSON.stringify(FILE));
    expect(readNodeConfig(directory, "lgd").organizationName).toBe("Local Government");
    expect(chooseNodeName(directory, undefined)).toBe("lgd");
    expect(refusalOf(() => chooseNodeName(directory, "other"))).toMatch(/^node_unknown.*lgd/);
    mkdirSync(nodeDirectory(directory, "second"), { recursive: true });
    writeFileSync(join(nodeDirectory(directory, "second"), "config.json"), JSON.stringify(FILE));
    expect(refusalOf(() => chooseNodeName(directory, undefined))).toMatch(/lgd, second.*--node/);
  });

  it("belongs to a node whose name is a name, so that it leads to no other folder", () => {
    for (const name of ["../lgd", "a/b", "", "Lgd", ".", "a".repeat(33)])
      expect(
        refusalOf(() => nodeDirectory(directory, name)),
        name,
      ).toMatch(/^config_invalid/);
  });
});

it.skipIf(process.platform === "win32")("refuses a private file that others may read", () => {
  const file = join(directory, "keys.json");
  writeFileSync(file, "{}");
  chmodSync(file, 0o640);
  expect(refusalOf(() => checkPrivateFile(file))).toMatch(/chmod 600/);
  chmodSync(file, 0o600);
  expect(refusalOf(() => checkPrivateFile(file))).toBe("nothing");
});
