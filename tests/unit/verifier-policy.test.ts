// A verifier's policy as a file: read strictly, and by its schema alike; what is misspelt or proves nothing is refused.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { VERIFIER_POLICY_CHARS_MAX } from "../../src/limits.ts";
import { CHECK_NAMES, REQUIRED_BY_DEFAULT } from "../../src/verification/policy.ts";
import { parseVerifierPolicy, parseVerifierPolicyText } from "../../src/verification/policy-file.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { caughtError } from "../caught-error.ts";
import { createSample, NOW } from "../record-fixture.ts";

const SCHEMA: JsonObject = JSON.parse(
  readFileSync(new URL("../../schemas/verifier-policy.schema.json", import.meta.url), "utf8"),
);
const isBySchema = new Ajv2020({ strict: true, strictRequired: false }).compile(SCHEMA);
const EXAMPLE = (SCHEMA.examples as JsonObject[])[0]!;
const PIN = (EXAMPLE.anchors as JsonObject[])[0]!;

describe("a policy file", () => {
  it("is read as its schema has it, with every member", async () => {
    const { world, evidence } = await createSample();
    const policy = {
      ...EXAMPLE,
      anchors: world.chain.anchors,
      checkpointMaxAgeSeconds: 60,
      requireStatusReceipt: false,
      allowSuperseded: true,
      allowArchivedChain: false,
      expected: { version: 1, registryType: "districts" },
    };
    const required = REQUIRED_BY_DEFAULT.filter((check) => check !== "freshness");
    const text = JSON.stringify({ ...policy, required });
    expect(isBySchema(JSON.parse(text)), JSON.stringify(isBySchema.errors)).toBe(true);
    const read = parseVerifierPolicyText(text);
    expect(read).toEqual(JSON.parse(text));
    expect((await createVerifier(read).verify(evidence, { now: NOW })).verdict).toBe("valid");
  });

  it("is the schema's own example", () => {
    expect(isBySchema(EXAMPLE)).toBe(true);
    expect(parseVerifierPolicy(EXAMPLE)).toEqual(EXAMPLE);
  });

  it.each<[string, unknown, RegExp]>([
    ["that is no object", [], /must be an object/],
    ["without anchors", { statusMaxAgeSeconds: 300 }, /anchors/],
    ["with no anchor in its list", { ...EXAMPLE, anchors: [] }, /anchors is empty/],
    ["with a misspelt member", { ...EXAMPLE, require: ["format"] }, /unknown member "require"; allowed: anchors/],
    ["with a pin without types", { ...EXAMPLE, anchors: [{ ...PIN, registry_types: undefined }] }, /registry_types/],
    ["with a pin without keys", { ...EXAMPLE, anchors: [{ ...PIN, jwks: { keys: [] } }] }, /key/],
    ["with a pin of an unknown member", { ...EXAMPLE, anchors: [{ ...PIN, types: [] }] }, /unknown member "types"/],
    ["without an age", { anchors: [PIN] }, /statusMaxAgeSeconds must be a whole number/],
    ["with an age of nothing", { ...EXAMPLE, statusMaxAgeSeconds: 0 }, /from 1 to/],
    ["with an age for ever", { ...EXAMPLE, statusMaxAgeSeconds: 1e12 }, /from 1 to/],
    ["with an age in words", { ...EXAMPLE, checkpointMaxAgeSeconds: "1h" }, /checkpointMaxAgeSeconds/],
    ["that requires nothing", { ...EXAMPLE, required: [] }, /required lacks "format"/],
    ["that does not require the issuer", { ...EXAMPLE, required: ["format", "signature"] }, /lacks "issuer"/],
    ["that requires an unknown check", { ...EXAMPLE, required: [...CHECK_NAMES, "luck"] }, /unknown check "luck"/],
    ["that requires a check twice", { ...EXAMPLE, required: [...CHECK_NAMES, "format"] }, /twice/],
    ["that requires by a text", { ...EXAMPLE, required: "format" }, /list of checks/],
    ["with a flag that is a text", { ...EXAMPLE, allowSuperseded: "false" }, /allowSuperseded must be true or false/],
    ["with an unknown expectation", { ...EXAMPLE, expected: { rid: "x" } }, /expected has the unknown member "rid"/],
    ["with a version of 0", { ...EXAMPLE, expected: { version: 0 } }, /expected.version/],
    ["with a digest cut short", { ...EXAMPLE, expected: { digest: "abc" } }, /expected.digest/],
  ])("is refused %s, here and by the schema", (_, value, message) => {
    const error = caughtError(() =>
      parseVerifierPolicy(value === undefined ? value : JSON.parse(JSON.stringify(value))),
    );
    expect(error).toMatchObject({ code: "verifier_policy_invalid" });
    expect(error.message).toMatch(message);
    expect(isBySchema(JSON.parse(JSON.stringify(value)))).toBe(false);
  });

  it("is refused with a record's URL that is none, a key twice, and beyond its size", () => {
    expect(() => parseVerifierPolicy({ ...EXAMPLE, expected: { href: "https://x.example/y" } })).toThrow(/record/);
    const twice = JSON.stringify(EXAMPLE).replace("{", '{"required":["format","signature","issuer"],');
    expect(() => parseVerifierPolicyText(twice)).toThrow(expect.objectContaining({ code: "json_duplicate_key" }));
    const long = " ".repeat(VERIFIER_POLICY_CHARS_MAX + 1);
    expect(() => parseVerifierPolicyText(long)).toThrow(expect.objectContaining({ code: "verifier_policy_invalid" }));
  });
});

describe("the verdict", () => {
  it("is undecided where a required check could not run and none failed, and invalid as soon as one failed", async () => {
    const { world, evidence } = await createSample();
    const verifier = createVerifier({ anchors: world.chain.anchors, statusMaxAgeSeconds: 300 });
    const verdict = async (changed: unknown) => (await verifier.verify(changed, { now: NOW })).verdict;
    expect(await verdict(evidence)).toBe("valid");
    expect(await verdict({ ...evidence, status: undefined })).toBe("undecided");
    expect(await verdict({ token: evidence.token })).toBe("undecided");
    expect(await verdict({ ...evidence, status: undefined, definition: "{}" })).toBe("invalid");
    expect(await verdict({})).toBe("invalid");
  });

  it("is never valid without a proven record, whatever a policy leaves out", async () => {
    const { world } = await createSample();
    const verifier = createVerifier({ anchors: world.chain.anchors, statusMaxAgeSeconds: 300, required: [] });
    expect(await verifier.verify({}, { now: NOW })).toMatchObject({ valid: false, verdict: "invalid" });
  });
});
