// Seals what a proposal says: under the key of the record that it is about, so that it goes with the record, else under one of its own.
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { type KeyGenerations, unsealAny, unsealFormer } from "../crypto/key-generations.ts";
import { randomBytes } from "../crypto/random.ts";
import { seal, unseal } from "../crypto/seal.ts";
import type { ProposalContent } from "./proposal.ts";
import type { StoredProposal } from "./proposal-store.ts";

type Place = Pick<StoredProposal, "id" | "rid" | "sealedKey">;

export interface ProposalSealer {
  /** `sealedKey`: of a proposal that is about no record that is there. */
  create(
    place: Pick<StoredProposal, "id" | "rid">,
    content: ProposalContent,
  ): Promise<Pick<StoredProposal, "sealed" | "sealedKey">>;
  /** Throws `record_erased`. */
  seal(place: Place, content: ProposalContent): Promise<Uint8Array>;
  /** undefined: the record that it is about was erased, and what was to be said of it, too. */
  open(proposal: Place & Pick<StoredProposal, "sealed">): Promise<ProposalContent | undefined>;
  /** Its own key, wrapped by the current generation of the node's key; undefined where it is already. */
  rewrapKey(proposal: { readonly id: string; readonly sealedKey: Uint8Array }): Uint8Array | undefined;
}

const KEY_BYTES = 32;

/** `findRecordKey`: the data key of a record; undefined once it is erased. */
export function createProposalSealer(deps: {
  entity: string;
  nodeKey: KeyGenerations;
  findRecordKey: (rid: string) => Promise<Uint8Array | undefined>;
  recordErased: () => Error;
}): ProposalSealer {
  const { entity, nodeKey } = deps;
  const aad = (id: string, what: string) => `${entity}|proposal|${id}|${what}`;

  async function findKey({ id, rid, sealedKey }: Place): Promise<Uint8Array | undefined> {
    if (rid !== null) return deps.findRecordKey(rid);
    return sealedKey === null ? undefined : unsealAny(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
  }

  const write = (key: Uint8Array, id: string, content: ProposalContent) =>
    seal({ key, aad: aad(id, "content"), plaintext: encodeUtf8(JSON.stringify(content)) });

  const sealAt: ProposalSealer["seal"] = async (place, content) => {
    const key = await findKey(place);
    if (key === undefined) throw deps.recordErased();
    return write(key, place.id, content);
  };

  return {
    async create({ id, rid }, content) {
      if (rid !== null) return { sealed: await sealAt({ id, rid, sealedKey: null }, content), sealedKey: null };
      const key = randomBytes(KEY_BYTES);
      return {
        sealed: write(key, id, content),
        sealedKey: seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext: key }),
      };
    },
    seal: sealAt,
    rewrapKey({ id, sealedKey }) {
      const plaintext = unsealFormer(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
      return plaintext && seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext });
    },
    async open(proposal) {
      const key = await findKey(proposal);
      if (key === undefined) return undefined;
      const text = decodeUtf8(unseal({ key, aad: aad(proposal.id, "content"), sealed: proposal.sealed }));
      return JSON.parse(text) as ProposalContent;
    },
  };
}
