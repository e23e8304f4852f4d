// What backups still hold of what was erased, in words. Reads nothing.
import type { FC } from "hono/jsx";
import type { HistoryPage } from "../../records/record-history-service.ts";
import { describeBackups } from "../../records/writing/erased-view.ts";
import { Instant, type PageFrame } from "../markup.tsx";

/** Of the last erasure that a history tells of; nothing where it tells of none. */
export const BackupsWords: FC<{ history: HistoryPage; frame: PageFrame; keepDays: number | undefined }> = ({
  history,
  frame,
  keepDays,
}) => {
  const erasure = history.entries.find(({ operation }) => operation === "erase" || operation === "erase_version");
  if (!erasure) return null;
  const { held_until: until } = describeBackups(keepDays, Date.parse(erasure.recorded_at) / 1_000);
  if (until === undefined)
    return <p>For how long backups still hold it is not stated: the operator of this node says so in its config.</p>;
  return (
    <p>
      Backups that were made before hold it until <Instant at={until} reader={frame.reader} /> at the latest. Personal
      values in them open only with the key file that was backed up with them.
    </p>
  );
};
