// The `witness` check: which cosignatures on the log's checkpoint make a quorum, and how old the checkpoint is by them.
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { concatBytes } from "../../src/crypto/hash.ts";
import { createSigner, generateSeed, type Signer } from "../../src/crypto/signer.ts";
import { signCosignature } from "../../src/log/cosignature.ts";
import { formatVerifierKey, NOTE_TYPE_COSIGNATURE } from "../../src/log/note.ts";
import { findQuorum, parseWitnessPolicy } from "../../src/log/witness-policy.ts";
import {
  createVerifier,
  type Evidence,
  parseVerifierPolicy,
  type VerifierPolicy,
} from "../../src/verification/index.ts";
import { caughtCode } from "../caught-code.ts";
import { createSample, NOW, REGISTRY_TYPE, receiptOf, signCheckpoint } from "../record-fixture.ts";

interface TestWitness {
  readonly name: string;
  readonly signer: Signer;
  readonly vkey: string;
}

function createWitness(name: string, signer = createSigner(generateSeed())): TestWitness {
  return { name, signer, vkey: formatVerifierKey({ name, raw: signer.publicKey.raw }, NOTE_TYPE_COSIGNATURE) };
}

const [one, two, three] = ["one.example", "two.example", "three.example"].map((name) => createWitness(name)) as [
  TestWitness,
  TestWitness,
  TestWitness,
];
const { world, logged, evidence } = await createSample();

const TWO_OF_THREE = [
  ...[one, two, three].map(({ vkey }, i) => `witness w${i + 1} ${vkey} https://w${i + 1}.example/`),
  "group all 2 w1 w2 w3",
  "quorum all",
].join("\n");

async function cosign(note: string, { name, signer, vkey }: TestWitness, time: number, text?: string): Promise<string> {
  const signed = await signCosignature(text ?? note.slice(0, note.lastIndexOf("\n\n") + 1), { signer, time });
  const keyId = Buffer.from(vkey.split("+")[1]!, "hex");
  return `${note}— ${name} ${encodeBase64(concatBytes(keyId, signed))}\n`;
}

/** The sample's evidence with these cosignatures, each a witness and its time, on the checkpoint of its receipt. */
async function cosignedBy(...cosigners: [TestWitness, number, string?][]): Promise<Evidence> {
  let checkpoint = await signCheckpoint(world);
  for (const [witness, time, text] of cosigners) checkpoint = await cosign(checkpoint, witness, time, text);
  return { ...evidence, receipts: { recent: await receiptOf(world, logged, { checkpoint }) } };
}

async function verify(shown: Evidence, change: Partial<VerifierPolicy> = {}) {
  const anchors = [
    {
      entity: world.anchor.id,
      jwks: { keys: [world.anchor.federation.publicKey.jwk] },
      registry_types: [REGISTRY_TYPE],
    },
  ];
  const policy = parseVerifierPolicy({ anchors, statusMaxAgeSeconds: 300, witnessPolicy: TWO_OF_THREE, ...change });
  const report = await createVerifier(policy).verify(shown, { now: NOW });
  const codeOf = (name: string) => {
    const { result, code } = report.checks.find(({ check }) => check === name)!;
    return [result, code];
  };
  return {
    verdict: report.verdict,
    witness: codeOf("witness"),
    freshness: codeOf("freshness"),
    required: report.required,
  };
}

describe("the witness check", () => {
  it("passes where a quorum cosigned, and is required wherever a policy names witnesses", async () => {
    const report = await verify(await cosignedBy([one, NOW - 50], [three, NOW - 40]));
    expect(report).toMatchObject({ verdict: "valid", witness: ["pass", "passed"] });
    expect(report.required).toContain("witness");
  });

  it("fails where too few did, whoever else signed", async () => {
    const other = createWitness("other.example");
    for (const cosigners of [
      [],
      [[one, NOW - 50]],
      [
        [one, NOW - 50],
        [one, NOW - 40],
        [other, NOW - 40],
      ],
    ] as [TestWitness, number][][]) {
      const report = await verify(await cosignedBy(...cosigners));
      expect(report).toMatchObject({ verdict: "invalid", witness: ["fail", "witness_quorum_missed"] });
    }
  });

  it("counts no cosignature of another checkpoint, of a time to come, or of no time", async () => {
    const text = `${world.origin}\n1\n${encodeBase64(new Uint8Array(32))}\n`;
    expect(await verify(await cosignedBy([one, NOW - 50], [two, NOW - 50, text]))).toMatchObject({
      witness: ["fail", "witness_signature_invalid"],
    });
    expect(await verify(await cosignedBy([one, NOW - 50], [two, NOW + 3_600]))).toMatchObject({
      witness: ["fail", "witness_quorum_missed"],
    });
    expect(await verify(await cosignedBy([one, NOW - 50], [two, 0]))).toMatchObject({
      witness: ["fail", "witness_signature_invalid"],
    });
  });

  it("counts no witness for its own entity: not by its name, its address or its key", async () => {
    const named = createWitness("local.example/node/witness");
    const keyed = createWitness("elsewhere.example", world.node.log);
    const placed = createWitness("somebody.example");
    for (const [own, url] of [
      [named, "https://w.example/"],
      [keyed, "https://w.example/"],
      [placed, "https://local.example/node/witness"],
    ] as const) {
      const witnessPolicy = [
        `witness own ${own.vkey} ${url}`,
        `witness w1 ${one.vkey}`,
        "group any any own w1",
        "quorum any",
      ].join("\n");
      const own1 = await verify(await cosignedBy([own, NOW - 50]), { witnessPolicy });
      expect(own1.witness).toEqual(["fail", "witness_quorum_missed"]);
      const both = await verify(await cosignedBy([own, NOW - 50], [one, NOW - 50]), { witnessPolicy });
      expect(both.witness).toEqual(["pass", "passed"]);
    }
    // Whose name only begins with the same letters is somebody else.
    const near = createWitness("local.example/nodes");
    const witnessPolicy = `witness w ${near.vkey}\nquorum w`;
    expect((await verify(await cosignedBy([near, NOW - 50]), { witnessPolicy })).witness).toEqual(["pass", "passed"]);
  });

  it("is not checked without a policy, or by one that demands nobody", async () => {
    const shown = await cosignedBy();
    expect(
      await verify(shown, { witnessPolicy: "quorum none\n", required: ["format", "signature", "issuer"] }),
    ).toMatchObject({
      verdict: "valid",
      witness: ["not_checked", "witness_policy_missing"],
    });
  });
});

describe("the freshness of a checkpoint", () => {
  it("goes by the last time at which a quorum saw it, which no single witness can make later", async () => {
    const shown = await cosignedBy([one, NOW - 900], [two, NOW - 600], [three, NOW + 10]);
    expect((await verify(shown, { checkpointMaxAgeSeconds: 601 })).freshness).toEqual(["pass", "fresh_by_witnesses"]);
    expect((await verify(shown, { checkpointMaxAgeSeconds: 599 })).freshness).toEqual(["fail", "checkpoint_stale"]);
  });

  it("is not known without witnesses", async () => {
    expect((await verify(await cosignedBy([one, NOW]), { checkpointMaxAgeSeconds: 600 })).freshness).toEqual([
      "not_checked",
      "checkpoint_time_unknown",
    ]);
  });
});

describe("a quorum's times", () => {
  it("follow the threshold of each group", () => {
    const keys = Array.from({ length: 5 }, (_, i) => createWitness(`w${i}.example`));
    const policy = parseWitnessPolicy(
      [
        ...keys.map(({ vkey }, i) => `witness w${i} ${vkey}`),
        "group left any w0 w1",
        "group right 2 w2 w3 w4",
        "group both all left right",
        "quorum both",
      ].join("\n"),
    );
    const times = (entries: Record<string, number>) => findQuorum(policy, new Map(Object.entries(entries)));
    expect(times({ w0: 10, w1: 5, w2: 7, w3: 3, w4: 20 })).toEqual({ since: 7, last: 7 });
    expect(times({ w1: 50, w3: 3, w4: 20 })).toEqual({ since: 50, last: 3 });
    expect(times({ w0: 10, w2: 7 })).toBeUndefined();
    expect(times({ w2: 7, w3: 3, w4: 20 })).toBeUndefined();
  });
});

describe("a policy of witnesses", () => {
  it.each([
    ["no quorum", `witness w1 ${one.vkey}`],
    ["two quorums", `witness w1 ${one.vkey}\nquorum w1\nquorum w1`],
    ["a member twice", `witness w1 ${one.vkey}\ngroup a any w1\ngroup b any w1\nquorum b`],
    ["a member before its definition", `group a any w1\nwitness w1 ${one.vkey}\nquorum a`],
    ["a key twice", `witness w1 ${one.vkey}\nwitness w2 ${one.vkey}\nquorum w1`],
    [
      "a log's key as a witness's",
      `witness w1 ${formatVerifierKey({ name: "a", raw: one.signer.publicKey.raw })}\nquorum w1`,
    ],
    ["a threshold above its members", `witness w1 ${one.vkey}\ngroup g 2 w1\nquorum g`],
    ["a threshold of none", `witness w1 ${one.vkey}\ngroup g 0 w1\nquorum g`],
    ["a word unknown", `witnes w1 ${one.vkey}\nquorum none`],
    ["a control character", "quorum none\r"],
    ["endless lines", "\n".repeat(300)],
    ["an endless line", `quorum none #${" ".repeat(65_536)}`],
  ])("with %s is refused", (_, text) => {
    expect(caughtCode(() => parseWitnessPolicy(text))).toBe("witness_policy_invalid");
    expect(caughtCode(() => parseVerifierPolicy({ anchors: [], statusMaxAgeSeconds: 1, witnessPolicy: text }))).toBe(
      "verifier_policy_invalid",
    );
  });
});
