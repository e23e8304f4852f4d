// Fetches the evidence of a record: from the node that a person named, or from the home node that the anchors vouch for. Believes none of it.
import { decodeUtf8 } from "../../crypto/hash.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { VerifiedChain } from "../../federation/trust-chain.ts";
import { EVIDENCE_CHARS_MAX } from "../../limits.ts";
import { parseRecordUrl, type RecordAddress } from "../../records/record-url.ts";
import { parseEvidenceText } from "../../verification/evidence.ts";
import type { RecordLink } from "../../verification/given-text.ts";
import { createNodeClient } from "../node-client.ts";
import type { TrustedHomes } from "../trusted-homes.ts";

const ACCEPT = { accept: "application/json" };

function readAddress({ href }: RecordLink): RecordAddress {
  const address = parseRecordUrl(href);
  if (address) return address;
  throw new AttestryError(
    "request_invalid",
    `"${href.slice(0, 200)}" is not the URL of a record (…/registries/NAME/records/RID)`,
  );
}

function evidencePath({ registry, rid }: RecordAddress): string {
  return `/registries/${registry}/records/${rid}/evidence`;
}

/** The text of the evidence that the node in the record's own URL hands out: a person named it, so it is asked directly. Throws as a node client. */
export function fetchNamedEvidence(link: RecordLink, token: string | undefined): Promise<string> {
  const address = readAddress(link);
  const query = link.version === undefined ? undefined : { version: String(link.version) };
  const client = createNodeClient({ baseUrl: address.entity, token });
  return client.send({ path: evidencePath(address), headers: ACCEPT, ...(query && { query }) });
}

/**
 * The evidence, as a value, that the home node of a record hands out, and where that node is now. `link` comes out of a token, so only a node that
 * the anchors vouch for is asked, at public addresses. Throws `chain_not_found`, `peer_*`, `evidence_invalid`.
 */
export async function fetchHomeEvidence(
  link: RecordLink,
  homes: TrustedHomes,
): Promise<{ readonly value: unknown; readonly from: string }> {
  const address = readAddress(link);
  const read = async ({ entity }: VerifiedChain): Promise<{ readonly value: unknown; readonly from: string }> => {
    const query = link.version === undefined ? "" : `?version=${link.version}`;
    const url = `${entity}${evidencePath(address)}${query}`;
    const bytesMax = EVIDENCE_CHARS_MAX;
    const { status, body } = await homes.httpClient.send({ method: "GET", url, headers: ACCEPT, bytesMax });
    if (status !== 200)
      throw new AttestryError(
        "peer_response_invalid",
        `${entity} answered ${status} when asked for the evidence; if its registry is for members, fetch it with a token: attestry evidence URL --token-file FILE`,
      );
    try {
      return { value: parseEvidenceText(decodeUtf8(body)), from: entity };
    } catch (cause) {
      if (!isAttestryError(cause)) throw cause;
      throw new AttestryError("peer_response_invalid", `${entity} answered no evidence: ${cause.message}`, { cause });
    }
  };
  return homes.askHome(address.entity, read, { outgoing: true });
}
