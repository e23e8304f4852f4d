// Lets a question about a personal record be answered: by a basis that covers the fields it is about, logged before the answer is made.
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { LogReader } from "../log/reader-service.ts";
import { fieldsOfQuestion } from "../records/answers/answer-rules.ts";
import type { AllowAnswer } from "../records/answers/personal-answer.ts";
import { basisOf, type LogBasedReadings } from "./based-reading-service.ts";
import type { FindBases } from "./basis-service.ts";
import { findForeign } from "./disclosure-decision.ts";
import { formatReadingReceipts } from "./reading-receipts.ts";

// No record has it: a question about a record that is not there is decided, and refused, as one about a record that is.
const NO_RECORD = "";

export function createAnswerLog(deps: {
  findBases: FindBases;
  logReadings: LogBasedReadings;
  accessReader: Pick<LogReader, "receipts">;
}): AllowAnswer {
  return async ({ registry, compiled, question, rid = NO_RECORD }, access, caller) => {
    const fields = fieldsOfQuestion(question);
    const [found] = await deps.findBases([{ registry, rid, compiled, fields }], access, caller);
    if (found instanceof AttestryError) throw found;
    const decision = found!;
    return async ({ subject, record }) => {
      const foreign = findForeign(decision, subject);
      if (foreign) throw foreign;
      const { nonce: _nonce, ...asked } = access;
      const [logged] = await deps.logReadings(
        [{ decision, subject, record: record && { registry, ...record }, fields }],
        {
          action: "answer",
          access,
          caller,
          request: sha256Base64url(canonicalJson({ ...asked, registry, question } as unknown as JsonObject)),
          question: { registry, kind: question.kind, ...(question.kind === "age" && { years: question.years }) },
        },
      );
      if (logged instanceof AttestryError) throw logged;
      const { logIndex: index, commitment } = logged!;
      const receipts = await formatReadingReceipts(deps.accessReader, [index]);
      const reading = { purpose: access.purpose, basis: basisOf(decision), event: { commitment, index } };
      return { ...reading, receipt: receipts.get(index)! };
    };
  };
}
