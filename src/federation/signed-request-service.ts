// The receiver of signed requests: whose they are, each once, and the signing of what is answered to them. Asks nobody anything: an
// unknown sender attaches its chain.
import type { FieldLines } from "../crypto/http-signature.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { proveAttachedChain } from "./attached-chain.ts";
import type { PeerChains } from "./peer-chains.ts";
import { deleteNonces, takeNonce } from "./request-nonce-store.ts";
import {
  checkRequestContent,
  type ParsedRequest,
  parseSignedRequest,
  verifyRequestSignature,
} from "./signed-request.ts";
import { signResponse } from "./signed-response.ts";
import type { AnchorPin, VerifiedChain } from "./trust-chain.ts";

/** As it arrived; nothing in it is believed. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query count, nothing else. */
  readonly target: URL;
  readonly fields: FieldLines;
  /** Asked for once form, time and audience are in order; within the limit of the operation. */
  readonly readContent: () => Promise<Uint8Array>;
}

export interface Answered {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly content: Uint8Array;
}

/** A proven member of the federation, and one request of it. */
export interface AuthenticatedRequest {
  readonly chain: VerifiedChain;
  /** The headers that make an answer the signed answer to this request. */
  signAnswer(answer: Answered): Promise<Readonly<Record<string, string>>>;
}

export interface SignedRequestService {
  /** Throws `signature_*`, `content_digest_*`, and what reading the content throws. */
  authenticate(request: IncomingRequest): Promise<AuthenticatedRequest>;
  /** Forgets the nonces of requests that could not be accepted again anyway. */
  purgeNonces(): Promise<void>;
}

/** `clock`: Unix seconds. `signer`: this node's request key. */
export function createSignedRequestService(deps: {
  readonly database: Database;
  readonly entity: string;
  readonly anchors: readonly AnchorPin[];
  readonly peers: PeerChains;
  readonly signer: Signer;
  readonly clock: () => number;
}): SignedRequestService {
  const { database, entity, anchors, peers, signer, clock } = deps;

  async function findKey({ sender, keyId, statements }: ParsedRequest): ReturnType<typeof getKey> {
    const known = peers.findKey(sender, keyId, clock());
    if (known || !statements) return known ?? getKey(sender, keyId);
    const proven = await proveAttachedChain(statements, { anchors, now: clock() });
    if (proven.chain.entity !== sender)
      throw new AttestryError("signature_chain_invalid", "the attached chain is of another entity than the sender");
    peers.remember(proven, clock());
    return getKey(sender, keyId);
  }

  async function getKey(sender: string, keyId: string): Promise<NonNullable<ReturnType<PeerChains["findKey"]>>> {
    const known = peers.findKey(sender, keyId, clock());
    if (known) return known;
    throw new AttestryError(
      "signature_key_unknown",
      "the key is no request key of a sender known here; attach your trust chain as attestry-trust-chain",
    );
  }

  return {
    async authenticate(request) {
      // What costs little comes first; the nonce last, so that only the key's holder can use one up.
      const parsed = parseSignedRequest(request, { entity, now: clock() });
      checkRequestContent(parsed, await request.readContent());
      const { key, chain } = await findKey(parsed);
      verifyRequestSignature(parsed, key);
      const { keyId, nonce, expiresAt } = parsed;
      // Before anything is answered: what failed after this is asked again under another nonce.
      if (!(await takeNonce(database.sql, { keyId, nonce, expiresAt })))
        throw new AttestryError("signature_replayed", "this very request was accepted before; sign a new one");
      return {
        chain,
        signAnswer: (answer) => signResponse({ signer, request: parsed.message, ...answer, now: clock() }),
      };
    },
    // Another process of this node may have a clock that is behind.
    purgeNonces: () => deleteNonces(database, { before: clock() - CLOCK_SKEW_SECONDS }),
  };
}
