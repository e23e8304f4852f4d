// Checks the records that a new one says it succeeds. Those of this node are replaced by the operation of that name, never by a claim.
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { parseRecordUrl } from "../record-url.ts";
import type { VerifyReferences } from "../references/reference-check.ts";
import type { RecordRequest } from "./record-request.ts";

const FIELD = "/replaces";

/** Throws `request_invalid` for a record of this node, `reference_unresolved` or `peer_unreachable` for one that does not verify. */
export async function checkPredecessors(options: {
  entity: string;
  compiled: CompiledDefinition;
  request: RecordRequest;
  verifyReferences: VerifyReferences;
}): Promise<void> {
  const { entity, compiled, request } = options;
  const { replaces } = request;
  if (replaces === undefined) return;
  if (replaces.some((href) => parseRecordUrl(href)?.entity === entity)) {
    const message = "names a record of this node: POST …/replace to it makes both sides say so at once";
    throw new AttestryError("request_invalid", "a record of this node is replaced by its own operation", {
      details: [{ field: FIELD, message }],
    });
  }
  const { type } = compiled.definition;
  const faults = await options.verifyReferences(replaces.map((href) => ({ href, type })));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length === 0) return;
  const details: ErrorDetail[] = found.map(({ message }) => ({ field: FIELD, message }));
  const code = found.every(({ isPassing }) => isPassing) ? "peer_unreachable" : "reference_unresolved";
  throw new AttestryError(code, "a predecessor could not be verified, so nothing was signed", { details });
}
