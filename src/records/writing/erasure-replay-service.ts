// Erases again what a restored backup brought back: at a start, whatever the ledger names and the database still holds. Asks nobody, for it was decided before.
import { createReadStream } from "node:fs";
import { isAttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import { ERASURE_PAGE_ROWS } from "../../limits.ts";
import type { LogWriter } from "../../log/writer-service.ts";
import type { Logger } from "../../logger.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { getRecord } from "../record-store.ts";
import type { ErasureLedger } from "./erasure-ledger-service.ts";
import { findReturned } from "./erasure-store.ts";
import { type LedgerLine, parseLedgerLine } from "./ledger-line.ts";
import { recordWriteKind } from "./record-write-store.ts";
import type { StateDrafter } from "./state-drafter.ts";
import type { VersionErasureDrafter } from "./version-erasure-drafter.ts";

export interface ErasureReplay {
  /**
   * Gives how many were erased again. What cannot be is logged, and tried at the next start. A line without the node's own code erases
   * nothing: those that name what the database holds are counted in a warning.
   */
  run(): Promise<number>;
}

export function createErasureReplay(deps: {
  path: string;
  /** Of `deriveLedgerKey`. */
  key: Uint8Array;
  database: Database;
  registries: Pick<RegistryService, "getCurrent">;
  stateDrafter: StateDrafter;
  versionErasures: VersionErasureDrafter;
  writer: LogWriter;
  ledger: Pick<ErasureLedger, "add">;
  logger: Pick<Logger, "warn" | "error">;
}): ErasureReplay {
  const { path, key, database, logger } = deps;

  async function eraseAgain({ rid, registry, version, at }: LedgerLine): Promise<void> {
    const compiled = await deps.registries.getCurrent(registry);
    const row = await getRecord(database, { registry, rid });
    const ground = { reason: "restore", instrument: `erasure ledger of this node, ${at}` };
    const common = { compiled, row, ground, caller: nodeItself(compiled) };
    const { input, entry } =
      version === undefined
        ? await deps.stateDrafter.draftState({ ...common, operation: "erase" })
        : await deps.versionErasures.draft({ ...common, version });
    // Whoever approves, and whatever held it, had their say before it was erased the first time.
    const again = { ...input, approval: { required: [], approved: undefined }, isReplay: true as const };
    const { logIndex } = await deps.writer.append(recordWriteKind, again, entry);
    await deps.ledger.add({ rid, registry, at: input.recordedAt, logIndex, ...(version !== undefined && { version }) });
  }

  async function replayPage(lines: readonly LedgerLine[]): Promise<{ done: number; foreign: number }> {
    let done = 0;
    const returned = await findReturned(database, lines);
    const own = returned.filter(({ isOwn }) => isOwn);
    for (const line of own) {
      try {
        await eraseAgain(line);
        done++;
      } catch (error) {
        if (!isAttestryError(error)) throw error;
        logger.error({ code: error.code, at: line.at }, "an erasure of the ledger could not be made again");
      }
    }
    return { done, foreign: returned.length - own.length };
  }

  return {
    async run() {
      let done = 0;
      let foreign = 0;
      for await (const page of readPages(path, key)) {
        const replayed = await replayPage(page);
        done += replayed.done;
        foreign += replayed.foreign;
      }
      if (foreign > 0)
        logger.warn(
          { lines: foreign },
          "lines of the erasure ledger that this node did not write, or wrote before its lines had a code, name what the database holds: nothing was erased by them; look who wrote them, and erase by the API what must go",
        );
      if (done > 0) logger.warn({ done }, "a restored database held what had been erased: it was erased again");
      return done;
    },
  };
}

/** The lines of the ledger, as a stream: it grows for as long as the node lives. */
async function* readPages(path: string, key: Uint8Array): AsyncGenerator<LedgerLine[]> {
  let rest = "";
  let page: LedgerLine[] = [];
  const readLine = (line: string) => parseLedgerLine(key, line) ?? [];
  try {
    for await (const chunk of createReadStream(path, "utf8")) {
      const lines = `${rest}${String(chunk)}`.split("\n");
      rest = lines.pop()!;
      page.push(...lines.flatMap(readLine));
      if (page.length < ERASURE_PAGE_ROWS) continue;
      yield page;
      page = [];
    }
  } catch (error) {
    // Nothing was erased yet.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  yield [...page, ...[readLine(rest)].flat()];
}

/** Acts for the department in all of the registry. */
function nodeItself({ rules }: CompiledDefinition): Staff {
  return {
    kind: "staff",
    tokenId: "node",
    name: "this node",
    person: "this node",
    issuer: undefined,
    role: "operator",
    registries: undefined,
    claims: Object.fromEntries(rules.jurisdiction.map(({ claim }) => [claim, ["*"]])),
  };
}
