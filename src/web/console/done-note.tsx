// What was done a moment ago, said once on the page that comes next. From a closed list: the address says which.
import type { FC } from "hono/jsx";
import { Note } from "../markup.tsx";
import type { Done } from "./desk.ts";

const WORDS: Readonly<Record<Exclude<Done, "proposed">, string>> = {
  created: "Recorded: the record is signed and in the log.",
  amended: "Saved: the next version is signed and in the log.",
  suspended: "Suspended: whoever checks the record is told so.",
  reinstated: "Reinstated: it is in force again.",
  revoked: "Revoked: whoever checks the record is told so.",
  ended: "Ended: what it said until then stays true.",
  erased: "Erased: what it said is destroyed.",
  "version-erased": "The version is erased: what it said is destroyed. The others are as they were.",
  held: "Held: it cannot be erased while the hold stands.",
  released: "Lifted: the hold stands no longer.",
};

export const DoneNote: FC<{ done: string | undefined }> = ({ done }) => {
  if (done === undefined || !Object.hasOwn(WORDS, done)) return null;
  return (
    <div role="status" class="summary">
      <Note title={WORDS[done as keyof typeof WORDS]} />
    </div>
  );
};
