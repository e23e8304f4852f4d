// A real node's evidence file with a bit turned over at every place: what changes its meaning is refused and named.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import type { VerifierPolicy } from "../../src/verification/policy.ts";
import type { VerificationReport } from "../../src/verification/report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { flipByte } from "../record-fixture.ts";

const TYPES = ["districts"];
const MEMBERS = ["token", "receipts", "status", "chain", "archive", "definition"] as const;

let anchor: TestNode;
let home: TestNode;
let file: string;
let now: number;

beforeAll(async () => {
  anchor = await startTestNode();
  home = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)], path: "/lgd" });
  await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: TYPES });
  expect((await home.publish(definition("districts", { properties: { area: { type: "number" } } }))).status).toBe(201);
  await home.node.chainArchive.archive();
  const token = await home.token("registrar");
  let path = "";
  for (let code = 1; code <= 20; code++) {
    const json = { data: { code: String(code), name: "Nicobars", area: 1_841 } };
    const answer = await home.request("POST", "/registries/districts/records", { token, json });
    if (code === 7) path = String(answer.body.href).slice(home.entity.length);
  }
  file = (await home.request("GET", `${path}/evidence`)).text;
  now = Math.floor(Date.now() / 1_000);
});

afterAll(async () => {
  for (const node of [home, anchor]) await node?.close();
});

/** Where each member starts, in bytes: a log's signature lines begin with a character of three. */
function listRegions(): { member: string; start: number }[] {
  return MEMBERS.map((member) => ({
    member,
    start: encodeUtf8(file.slice(0, file.indexOf(`"${member}":`))).length,
  })).sort((a, b) => a.start - b.start);
}

function faultOf({ checks, required }: VerificationReport): string | undefined {
  const fault = checks.find(
    ({ check, result, code }) => required.includes(check) && result !== "pass" && code !== "prerequisite_failed",
  );
  return fault && `${fault.check}: ${fault.code}`;
}

interface Flip {
  readonly at: number;
  readonly region: string;
  readonly valid: boolean;
  readonly fault: string | undefined;
}

async function flipAll(
  policy: Partial<VerifierPolicy>,
  options: { now: number; step: number; isTried: (region: string) => boolean },
): Promise<Flip[]> {
  const verifier = createVerifier({ anchors: [anchor.pin(TYPES)], statusMaxAgeSeconds: 300, ...policy });
  expect((await verifier.verifyText(file, options)).verdict).toBe("valid");
  const flips: Flip[] = [];
  const size = encodeUtf8(file).length;
  const regions = listRegions();
  for (let at = 0; at < size; at += options.step) {
    const region = regions.filter(({ start }) => start <= at).at(-1)?.member ?? "file";
    if (!options.isTried(region)) continue;
    // Another bit at every place; each seventh time it is the one that tells capitals from small letters.
    const text = flipByte(file, at, 1 << (at % 7));
    const report = await verifier.verifyText(text, options);
    flips.push({ at, region, valid: report.valid, fault: faultOf(report) });
  }
  return flips;
}

/** How often each fault was named in a region. */
function faultsIn(flips: readonly Flip[], region: string): string[] {
  return [...new Set(flips.filter((flip) => flip.region === region && !flip.valid).map(({ fault }) => String(fault)))];
}

describe("one bit turned over in a real evidence file", { timeout: 600_000 }, () => {
  it("is refused at every place", async () => {
    const flips = await flipAll({}, { now, step: 1, isTried: () => true });
    expect(flips.length).toBeGreaterThanOrEqual(5_000);
    const neutral = flips.filter(({ valid }) => valid).map(({ region, at }) => `${region} at ${at}`);
    console.info(`${flips.length} places: ${flips.length - neutral.length} refused, ${neutral.length} neutral`);
    // None: every character of the file is signed, hashed, part of a proof, or of a form that has one text only.
    expect(neutral).toEqual([]);
    expect(faultsIn(flips, "token")).toEqual(expect.arrayContaining(["signature: signature_invalid"]));
    expect(faultsIn(flips, "receipts")).toEqual(
      expect.arrayContaining([
        "inclusion: commitment_mismatch",
        "inclusion: rid_mismatch",
        "inclusion: inclusion_failed",
        "inclusion: checkpoint_signature_invalid",
      ]),
    );
    expect(faultsIn(flips, "status")).toEqual(
      expect.arrayContaining(["status: status_signature_invalid", "status: status_unproved"]),
    );
    expect(faultsIn(flips, "chain")).toContain("issuer: chain_signature_invalid");
    expect(faultsIn(flips, "archive")).toContain("issuer: archive_unproved");
    expect(faultsIn(flips, "definition")).toContain("schema: definition_mismatch");
  });

  it("is refused inside the archived chain too, once that is what the answer rests on, and inside the chain that expired", async () => {
    const policy: Partial<VerifierPolicy> = {
      allowArchivedChain: true,
      required: ["format", "signature", "issuer", "authority", "schema", "inclusion"],
    };
    const later = now + 86_400;
    const flips = await flipAll(policy, {
      now: later,
      // Each flip is some ten signatures under keys that nobody has seen before.
      step: 4,
      isTried: (region) => region === "archive" || region === "chain",
    });
    expect(flips.length).toBeGreaterThan(2_000);
    expect(flips.filter(({ valid }) => valid).map(({ region, at }) => `${region} at ${at}`)).toEqual([]);
    expect(faultsIn(flips, "archive")).toEqual(
      expect.arrayContaining(["issuer: archive_unproved", "issuer: chain_signature_invalid"]),
    );
    expect(faultsIn(flips, "chain")).toContain("issuer: chain_signature_invalid");
  });
});
