// Whether a process's key file and its database go together, as far as the sealing keys are concerned. Pure.
import { AttestryError } from "../../errors.ts";
import type { Secrets } from "../../secrets.ts";

/** The generation that the database goes by; a database without a row goes by the first. */
export interface StoredGeneration {
  readonly generation: number;
  readonly fingerprint: string;
  readonly beganAt: number;
  readonly completedAt: number | null;
}

const FIRST = 1;

/**
 * `begins`: the file has the next generation, and the database goes by it from now on. Throws `keys_outdated` where the file lacks keys
 * that the database needs.
 */
export function judgeGeneration(
  stored: StoredGeneration | undefined,
  { current, former }: Secrets["sealing"],
): "current" | "begins" {
  const generation = stored?.generation ?? FIRST;
  const own = [current, former].find((one) => one?.number === generation);
  if (own === undefined) {
    const held = former === undefined ? `${current.number}` : `${former.number} and ${current.number}`;
    throw outdated(
      generation > current.number
        ? `the database goes by generation ${generation} of the sealing keys, this process by ${current.number}: restart it, and if that does not help put the newest keys.json back`
        : `the database goes by generation ${generation} of the sealing keys, and keys.json has only ${held}: the database is older than the file, so give the one that was backed up with it: attestry keys rotate sealing --former FILE`,
    );
  }
  if (stored !== undefined && stored.fingerprint !== own.fingerprint)
    throw outdated(
      `the generation ${generation} of the sealing keys in keys.json is another one than the database's: put the keys.json of this database back`,
    );
  const isWhole = stored === undefined || stored.completedAt !== null;
  if (own === former && !isWhole)
    throw outdated(
      `the database was about to replace generation ${generation - 1} of the sealing keys, and needs it still: put the whole keys.json back that was backed up with it`,
    );
  if (own === former) return "begins";
  if (!isWhole && former === undefined)
    throw outdated(
      `the database still needs generation ${generation - 1} of the sealing keys, which keys.json has no more: give the one that was backed up with it: attestry keys rotate sealing --former FILE`,
    );
  return "current";
}

function outdated(message: string): AttestryError {
  return new AttestryError("keys_outdated", message);
}
