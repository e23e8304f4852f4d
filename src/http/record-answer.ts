// How a record is answered, and how that is described. Knows no operation.
import type { Context } from "hono";
import type { TaggedView } from "../records/record-viewer.ts";

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

export function answerRecord(context: Context, { view, etag }: TaggedView, status: 200 | 201 = 200): Response {
  context.header("etag", `"${etag}"`);
  return context.json(view, status);
}
