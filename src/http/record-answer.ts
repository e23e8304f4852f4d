// How a record is answered, and how that is described. Knows no operation.
import type { Context } from "hono";
import { isProposed, type Proposed } from "../approval/proposal-book-service.ts";
import type { TaggedView } from "../records/record-viewer.ts";
import { jsonAnswer } from "./operation.ts";

export const RECORD = { $ref: "record.schema.json" } as const;

export const ETAG = {
  ETag: {
    description:
      "Names what you read: its version and the number of changes of its state. Send it as If-Match to change it.",
    schema: { type: "string", examples: ['"1.0"'] },
  },
} as const;

export const LOCATION = {
  Location: { description: "The URL of what was created.", schema: { type: "string", format: "uri" } },
} as const;

/** What a write is answered with in a registry whose definition names who must approve. */
export const PROPOSED = {
  202: jsonAnswer({
    description: "Others must approve it first: the proposal, at which its fate can be followed.",
    schema: { $ref: "proposed.schema.json" },
    headers: LOCATION,
  }),
} as const;

export function answerProposed(context: Context, { proposal }: Proposed): Response {
  context.header("location", proposal.href);
  return context.json({ proposal }, 202);
}

/** The record as it was written, or the proposal to write it. */
export function answerWritten(context: Context, written: TaggedView | Proposed, status: 200 | 201 = 200): Response {
  return isProposed(written) ? answerProposed(context, written) : answerRecord(context, written, status);
}

export function answerRecord(context: Context, { view, etag }: TaggedView, status: 200 | 201 = 200): Response {
  context.header("etag", `"${etag}"`);
  return context.json(view, status);
}
