// Checks the references of a record before it is signed: a department does not put its name under a link that leads nowhere.
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { parseReference, type Reference } from "../record-url.ts";

export interface TypedReference extends Reference {
  /** The registry type that the definition asks for. */
  readonly type: string;
}

/** Called with valid data before anything is signed; throws to refuse it. Undefined where there is nothing to verify. */
export type CheckReferences = (compiled: CompiledDefinition, data: JsonObject) => Promise<void> | undefined;

/** Why a reference is not verified. `isPassing`: its home node could not be asked, which says nothing of the record. */
export interface ReferenceFault {
  readonly message: string;
  readonly isPassing: boolean;
}

/** Resolves and verifies references; one verdict each, undefined when verified. Resolution gives it. */
export type VerifyReferences = (references: readonly TypedReference[]) => Promise<(ReferenceFault | undefined)[]>;

/** A reference of a record with the field it stands in, and what was found against it. */
export interface JudgedReference {
  readonly field: string;
  readonly fault: ReferenceFault | undefined;
}

const NO_REFERENCE: ReferenceFault = { message: "is not the URL of a record", isPassing: false };

/** `reference_unresolved`, or `peer_unreachable` where trying again may help; undefined if all references are verified. */
export function refuseReferences(references: readonly JudgedReference[]): AttestryError | undefined {
  const faults = references.flatMap(({ field, fault }) => (fault ? [{ field, ...fault }] : []));
  if (faults.length === 0) return undefined;
  const details: ErrorDetail[] = faults.map(({ field, message }) => ({ field, message }));
  if (faults.every(({ isPassing }) => isPassing)) {
    return new AttestryError(
      "peer_unreachable",
      "the home node of a reference could not be asked, so nothing was signed; try again",
      { details },
    );
  }
  return new AttestryError("reference_unresolved", "a reference could not be verified, so the record was not signed", {
    details,
  });
}

/** Puts verdicts to the references they were asked for, in order; a value that is no reference has its own. */
export function judgeReferences(
  found: ReturnType<typeof referencesToVerify>,
  verdictOf: (reference: TypedReference) => ReferenceFault | undefined,
): JudgedReference[] {
  return found.map(({ field, reference }) => ({ field, fault: reference ? verdictOf(reference) : NO_REFERENCE }));
}

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

/** Throws `reference_unresolved` or `peer_unreachable` with a detail per reference that does not verify. */
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
  const asked = found.flatMap(({ reference }) => (reference ? [reference] : []));
  const verdicts = await verifyReferences(asked);
  const refusal = refuseReferences(judgeReferences(found, (reference) => verdicts[asked.indexOf(reference)]));
  if (refusal) throw refusal;
}
