// What was done a moment ago, said once on the page that comes next. From a closed list: the address says which.
import type { FC } from "hono/jsx";
import { Note, type PageFrame } from "../markup.tsx";
import type { Done } from "./desk.ts";

const WORDS: Readonly<Record<Done, string>> = {
  created: "Recorded: the record is signed and in the log.",
  amended: "Saved: the next version is signed and in the log.",
  suspended: "Suspended: whoever checks the record is told so.",
  reinstated: "Reinstated: it is in force again.",
  revoked: "Revoked: whoever checks the record is told so.",
  ended: "Ended: what it said until then stays true.",
  erased: "Erased: what it said is destroyed.",
  proposed: "Proposed: nothing is changed until others have approved it.",
};

export const DoneNote: FC<{ done: string | undefined; frame: PageFrame }> = ({ done, frame }) => {
  if (done === undefined || !Object.hasOwn(WORDS, done)) return null;
  return (
    <div role="status" class="summary">
      <Note title={WORDS[done as Done]}>
        {done === "proposed" && (
          <p>
            <a href={`${frame.basePath}/console/proposals`}>What waits for approval</a>
          </p>
        )}
      </Note>
    </div>
  );
};
