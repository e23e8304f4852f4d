// Evidence files of many records of one issuer, as a batch of them looks: one chain, one checkpoint, one status list. Signs what it is told; measures nothing.
import { createPublicKey, type KeyObject } from "node:crypto";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import type { AnchorPin } from "../../src/federation/trust-chain.ts";
import { formatCheckpoint } from "../../src/log/checkpoint.ts";
import { inclusionProof, nodeHash } from "../../src/log/merkle.ts";
import { signNote } from "../../src/log/note.ts";
import { formatExtra, formatReceipt } from "../../src/log/receipt.ts";
import { signChain } from "../chain-fixture.ts";
import { createRecordWorld, DEFINITION, fillLog, logVersion, signStatusList } from "../record-fixture.ts";

export { NOW } from "../record-fixture.ts";

export interface VerifyWorld {
  readonly anchors: readonly AnchorPin[];
  /** Texts of evidence files, all valid at NOW. */
  readonly files: readonly string[];
  /** What OpenSSL needs to verify the issuer's signature of each, and nothing else. */
  readonly signatures: readonly { readonly message: Uint8Array; readonly signature: Uint8Array }[];
  readonly key: KeyObject;
}

/** A power of two of entries, so that every subtree is complete. */
const LOG_ENTRIES = 131_072;

/** `count`: records, at most LOG_ENTRIES. */
export async function createVerifyWorld(count: number): Promise<VerifyWorld> {
  const world = createRecordWorld();
  const logged = [];
  for (let at = 0; at < count; at++)
    logged.push(
      await logVersion(world, {
        label: `record ${at}`,
        statusIndex: at,
        data: { code: String(100 + (at % 900)), name: `District ${at}`, parts: ["upper", "lower"] },
      }),
    );
  fillLog(world, LOG_ENTRIES - count);
  const levels: Uint8Array[][] = [world.leaves];
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!;
    levels.push(Array.from({ length: below.length / 2 }, (_, at) => nodeHash(below[2 * at]!, below[2 * at + 1]!)));
  }
  const { origin } = world;
  const text = formatCheckpoint({ origin, size: LOG_ENTRIES, root: levels.at(-1)![0]! });
  const checkpoint = await signNote({ text, name: origin, signer: world.node.log });
  const shared = {
    status: { token: await signStatusList(world) },
    chain: await signChain(world.chain),
    definition: JSON.stringify(DEFINITION),
  };
  const files = logged.map((version) => {
    const { index, salt, k, entry } = version;
    const proof = inclusionProof(index, LOG_ENTRIES, (level, at) => levels[level]![at]!);
    const recent = formatReceipt({ index, proof, extra: formatExtra({ salt, k, entry }), checkpoint });
    return JSON.stringify({ token: formatSdJwt(version.jwt, version.disclosures), receipts: { recent }, ...shared });
  });
  const signatures = logged.map(({ jwt }) => {
    const [header, payload, signature] = jwt.split(".") as [string, string, string];
    return { message: encodeUtf8(`${header}.${payload}`), signature: Buffer.from(signature, "base64url") };
  });
  const { x } = world.node.record.publicKey.jwk as { x: string };
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return { anchors: world.chain.anchors, files, signatures, key };
}
