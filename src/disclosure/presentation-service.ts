// Signs to whom, for what and by which right a token is given, with the proof that its reading is in the access log (attestry-pres+jwt). Decides nothing and logs nothing.
import { encodeBase64url } from "../crypto/base64.ts";
import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { OWN_COPY_SECONDS } from "../limits.ts";
import type { LogReader } from "../log/reader-service.ts";
import type { PresentCopies } from "../records/subjects/own-record-service.ts";
import {
  PRESENTATION_TYPE,
  PRINT_AUDIENCE,
  type Presentation,
  type PresentationClaims,
  sdHash,
} from "../verification/presentation.ts";
import { formatReadingReceipts } from "./reading-receipts.ts";

/** The event that a reading is, and whom its token is given to; `end`: how long that may be shown, in seconds from now or until when. */
export interface PresentedReading
  extends Pick<PresentationClaims, "nonce" | "purpose" | "basis">,
    Readonly<Record<"token" | "audience" | "commitment", string>> {
  readonly logIndex: number;
  readonly end: { readonly seconds: number } | { readonly at: number };
}

export interface Presenter {
  /** In the order in which they are given. */
  present(readings: readonly PresentedReading[]): Promise<Presentation[]>;
  presentCopies: PresentCopies;
}

const NONCE_BYTES = 16;
const OWN_PURPOSE = "own-copy";

/** `entity`: the name that the node's records have; `signer`: the record key's. */
export function createPresenter(deps: {
  readonly entity: string;
  readonly signer: Signer;
  readonly accessReader: Pick<LogReader, "receipts">;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): Presenter {
  const { entity, signer, accessReader, clock, random } = deps;

  const present: Presenter["present"] = async (readings) => {
    const receipts = await formatReadingReceipts(accessReader, [...new Set(readings.map(({ logIndex }) => logIndex))]);
    return Promise.all(
      readings.map(async ({ token, audience, nonce, purpose, basis, commitment, logIndex, end }) => {
        const now = clock();
        const claims: PresentationClaims = {
          iss: entity,
          aud: audience,
          nonce,
          iat: now,
          exp: "at" in end ? Math.max(end.at, now + 1) : now + end.seconds,
          purpose,
          basis,
          sd_hash: sdHash(token),
          event: { commitment, index: logIndex },
        };
        const payload = claims as unknown as JsonObject;
        return { token: await signJws({ signer, typ: PRESENTATION_TYPE, payload }), receipt: receipts.get(logIndex)! };
      }),
    );
  };

  return {
    present,
    presentCopies: (copies) =>
      present(
        copies.map(({ token, reading }) => ({
          token,
          ...reading,
          audience: PRINT_AUDIENCE,
          nonce: encodeBase64url(random(NONCE_BYTES)),
          purpose: OWN_PURPOSE,
          basis: { own: true },
          end: { seconds: OWN_COPY_SECONDS },
        })),
      ),
  };
}
