// A node's secrets: one key per role, everything else derived from one master, and refused when something is amiss.
import { expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import {
  addSealingGeneration,
  dropFormerSealing,
  generateSecrets,
  KEY_ROLES,
  parseKeyRings,
  parseSecrets,
  replaceKeyRings,
} from "../../src/secrets.ts";
import { caughtCode } from "../caught-code.ts";

const seedsOf = (secrets: JsonObject): JsonObject => secrets.seeds as JsonObject;

it("gives each role its own key and each purpose its own secret, the same after a restart", () => {
  const generated = generateSecrets();
  const secrets = parseSecrets(generated);
  expect(new Set(KEY_ROLES.map((role) => secrets.signers[role].publicKey.kid)).size).toBe(KEY_ROLES.length);
  const derived = [secrets.wrappingKey.current, secrets.searchKey.current, secrets.statusKey, secrets.pseudonymKey].map(
    (key) => Buffer.from(key).toString("hex"),
  );
  expect(new Set(derived).size).toBe(4);
  expect(derived.every((key) => key.length === 64)).toBe(true);
  const again = parseSecrets(JSON.parse(JSON.stringify(generated)) as JsonObject);
  expect(again.signers.record.publicKey.kid).toBe(secrets.signers.record.publicKey.kid);
  expect(again.wrappingKey).toEqual(secrets.wrappingKey);
});

it("draws new ones for every node", () => {
  expect(seedsOf(generateSecrets()).record).not.toBe(seedsOf(generateSecrets()).record);
});

it("refuses one key in two roles", () => {
  const secrets = generateSecrets();
  const seeds = { ...seedsOf(secrets), status: seedsOf(secrets).record! };
  expect(caughtCode(() => parseSecrets({ ...secrets, seeds }))).toBe("key_role_conflict");
});

it.each(KEY_ROLES)("refuses a file without the %s key", (role) => {
  const secrets = generateSecrets();
  const { [role]: _missing, ...seeds } = seedsOf(secrets);
  expect(caughtCode(() => parseSecrets({ ...secrets, seeds }))).toBe("config_invalid");
});

it("refuses another version, a missing master, and one too short to be drawn at random", () => {
  const secrets = generateSecrets();
  expect(caughtCode(() => parseSecrets({ ...secrets, version: 2 }))).toBe("config_invalid");
  expect(caughtCode(() => parseSecrets({ version: 1, seeds: secrets.seeds! }))).toBe("config_invalid");
  expect(caughtCode(() => parseSecrets({ ...secrets, node: "" }))).toBe("config_invalid");
  expect(caughtCode(() => parseSecrets({ ...secrets, node: "c2hvcnQ" }))).toBe("config_invalid");
});

it("has the next generation of sealing keys beside the former one, then alone, and nothing else changes", () => {
  const first = parseSecrets(generateSecrets());
  const unlocked = generateSecrets();
  const before = parseSecrets(unlocked);
  const both = addSealingGeneration(unlocked);
  const after = dropFormerSealing(replaceKeyRings(both, parseKeyRings(both)));
  const [during, alone] = [parseSecrets(both), parseSecrets(after)];
  for (const one of [during, alone]) {
    expect(one.statusKey).toEqual(before.statusKey);
    expect(one.pseudonymKey).toEqual(before.pseudonymKey);
    expect(one.signers.record.publicKey.kid).toBe(before.signers.record.publicKey.kid);
    expect(one.wrappingKey.current).not.toEqual(before.wrappingKey.current);
  }
  expect(during.wrappingKey.former).toEqual(before.wrappingKey.current);
  expect(alone.wrappingKey).toEqual({ current: during.wrappingKey.current, former: undefined });
  // The master is gone from the file, and with it everything that could make the former keys again.
  expect(JSON.stringify(after)).not.toContain(unlocked.node as string);
  expect(first.sealing.current.fingerprint).not.toBe(before.sealing.current.fingerprint);
  expect(JSON.stringify(both)).not.toContain(before.sealing.current.fingerprint);
});

it("refuses sealing keys that are no generation, three, or one without a number", () => {
  const both = addSealingGeneration(generateSecrets());
  const [first, second] = Object.values(both.sealing as JsonObject);
  const withSealing = (sealing: JsonObject): JsonObject => ({ ...both, sealing });
  expect(parseSecrets(withSealing({ 4: first!, 5: second! })).sealing.current.number).toBe(5);
  for (const sealing of [{}, { 1: first!, 2: second!, 3: first! }, { 0: first! }, { x: first! }, { 1: "c2hvcnQ" }])
    expect(caughtCode(() => parseSecrets(withSealing(sealing as JsonObject)))).toBe("config_invalid");
  for (const name of ["status", "pseudonym", "sealing"]) {
    const { [name]: _missing, ...rest } = both;
    expect(caughtCode(() => parseSecrets(rest))).toBe("config_invalid");
  }
});
