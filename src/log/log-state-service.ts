// A log's stored state: its beginning, and the proof that what is stored is what was signed. Appends nothing.
import { equalBytes } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { formatCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
import { countEntries, findLogState, insertLogState, type LogState, listHashes } from "./log-store.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import { formatVerifierKey, parseVerifierKey, signNote } from "./note.ts";
import { type OpenTiles, openTilesRoot, openTileWidths, restoreOpenTiles } from "./open-tiles.ts";
import { TILE_WIDTH } from "./tiles.ts";

/** Which log, and the key that signs its checkpoints. `origin`: the log's URL without scheme. */
export interface LogIdentity {
  readonly logName: string;
  readonly origin: string;
  readonly signer: Signer;
  /** While the log's key changes over. */
  readonly rollover?: {
    /** Those who sign beside `signer`. */
    signers(): readonly Signer[];
    /** Every key that may have signed the stored checkpoint. */
    keys(): readonly PublicKey[];
  };
}

/** A checkpoint as signed note, by the log's key under the log's origin. */
export async function signCheckpoint(identity: LogIdentity, tree: { size: number; root: Uint8Array }): Promise<string> {
  const { origin, signer, rollover } = identity;
  return signNote({
    text: formatCheckpoint({ origin, ...tree }),
    name: origin,
    signer,
    ...(rollover && { others: rollover.signers() }),
  });
}

/**
 * Creates a log of no entries with its signed checkpoint; one that exists is left as it is. `clock` gives Unix seconds.
 * Throws `log_inconsistent` if a log of that name has another origin.
 */
export async function initializeLog(
  deps: LogIdentity & { readonly database: Database; readonly clock: () => number },
): Promise<void> {
  const { database, logName, origin, clock } = deps;
  const existing = await findLogState(database, logName);
  if (existing === undefined) {
    const tree = { size: 0, root: EMPTY_ROOT };
    const checkpoint = await signCheckpoint(deps, tree);
    await insertLogState(database, { name: logName, origin, ...tree, checkpoint, signedAt: clock() });
  }
  const stored = existing ?? (await findLogState(database, logName));
  if (stored?.origin !== origin)
    throw inconsistent(logName, `its origin is ${stored?.origin}, configured is ${origin}`);
}

/**
 * The open tiles of the state whose lock `tx` holds, proved: the stored checkpoint is signed by the log's own key and says
 * what the row says, and the stored hashes lead to its root. `countAll` also counts every entry, which takes about 0.1 s per
 * million: for the first load, and whenever it is not known what was committed. Throws `log_inconsistent`.
 */
export async function loadVerifiedTiles(
  tx: Transaction,
  identity: LogIdentity,
  state: LogState,
  options: { readonly countAll: boolean },
): Promise<OpenTiles> {
  verifyStoredCheckpoint(identity, state);
  const { logName } = identity;
  const levels = openTileWidths(state.size).map(async (width, level) => {
    const start = Math.floor(state.size / TILE_WIDTH ** (level + 1)) * TILE_WIDTH;
    // One more than there may be: a row beyond the signed size is found, too.
    return listHashes(tx, { log: logName, level, start, end: start + width + 1 });
  });
  const open = restoreOpenTiles(state.size, await Promise.all(levels));
  if (!equalBytes(openTilesRoot(open), state.root))
    throw inconsistent(logName, "its stored hashes do not lead to its root");
  if (options.countAll) {
    const { count, lastIndex } = await countEntries(tx, logName);
    if (count !== state.size || lastIndex !== state.size - 1) {
      throw inconsistent(
        logName,
        `it has ${count} entries up to index ${lastIndex}, its checkpoint says ${state.size}`,
      );
    }
  }
  return open;
}

function verifyStoredCheckpoint(identity: LogIdentity, state: LogState): void {
  const { logName, origin, signer, rollover } = identity;
  const keys = rollover?.keys() ?? [signer.publicKey];
  const verifiers = keys.map(({ raw }) => parseVerifierKey(formatVerifierKey({ name: origin, raw })));
  let signed: { size: number; root: Uint8Array };
  try {
    signed = verifyCheckpoint(state.checkpoint, { origin, verifiers });
  } catch (cause) {
    throw inconsistent(logName, "its stored checkpoint does not verify with this node's key", cause);
  }
  if (signed.size !== state.size || !equalBytes(signed.root, state.root)) {
    throw inconsistent(
      logName,
      `its row says size ${state.size}, its signed checkpoint ${signed.size}, or their roots differ`,
    );
  }
}

function inconsistent(logName: string, reason: string, cause?: unknown): AttestryError {
  return new AttestryError("log_inconsistent", `log "${logName}" is not signed any further: ${reason}`, { cause });
}
