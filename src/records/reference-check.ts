// Checks the references of a record before it is signed: a department does not put its name under a link that leads nowhere.
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { valuesAt } from "../registries/annotations.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { CheckReferences } from "./record-drafter.ts";
import { parseReference, type Reference } from "./record-url.ts";

export interface TypedReference extends Reference {
  /** The registry type that the definition asks for. */
  readonly type: string;
}

/** Resolves and verifies references; one verdict each: undefined when verified, else a sentence. Resolution gives it. */
export type VerifyReferences = (references: readonly TypedReference[]) => Promise<(string | undefined)[]>;

/** The references of `data` that are verified on write, with the field each stands in. */
export function referencesToVerify(
  compiled: CompiledDefinition,
  data: JsonObject,
): { field: string; reference: TypedReference | undefined }[] {
  return compiled.annotations.references
    .filter(({ onWrite }) => onWrite === "verify")
    .flatMap(({ path, type }) =>
      valuesAt(data, path).map((value) => {
        const reference = parseReference(value);
        return { field: `/${path.join("/")}`, reference: reference && { ...reference, type } };
      }),
    );
}

/** Throws `reference_unresolved` with a detail per reference that does not verify. */
export function createReferenceCheck(verifyReferences: VerifyReferences): CheckReferences {
  return (compiled, data) => {
    if (compiled.annotations.references.length === 0) return undefined;
    return checkFound(referencesToVerify(compiled, data), verifyReferences);
  };
}

async function checkFound(
  found: ReturnType<typeof referencesToVerify>,
  verifyReferences: VerifyReferences,
): Promise<void> {
  const verdicts = await verifyReferences(found.flatMap(({ reference }) => (reference ? [reference] : [])));
  let at = 0;
  const details: ErrorDetail[] = found.flatMap(({ field, reference }) => {
    const message = reference ? verdicts[at++] : "is not the URL of a record";
    return message === undefined ? [] : [{ field, message }];
  });
  if (details.length === 0) return;
  throw new AttestryError("reference_unresolved", "a reference could not be verified, so the record was not signed", {
    details,
  });
}
