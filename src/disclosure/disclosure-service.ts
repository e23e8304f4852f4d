// Gives fields of personal records to other nodes: decided by the registry's rules and the person's consents, logged before it is answered, bound to the reader (DESIGN section 10).
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { selectDisclosures } from "../crypto/sd-jwt-selection.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import { PRESENTATION_SECONDS } from "../limits.ts";
import { disclosedFields } from "../records/disclosed-fields.ts";
import type { Disclose, DisclosureItem, DisclosureOutcome, ReadAccess } from "../records/record-disclosure.ts";
import type { RecordSealer } from "../records/record-sealer.ts";
import { openSecrets, readFullData, readOwnPayload } from "../records/record-view.ts";
import { subjectOfRecord } from "../records/subject.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import { PRESENTATION_TYPE, type PresentationClaims, sdHash } from "../verification/presentation.ts";
import { type BasedReading, basisOf, type CommittedReading, type LogBasedReadings } from "./based-reading-service.ts";
import type { FindBases } from "./basis-service.ts";
import { type Decision, findForeign } from "./disclosure-decision.ts";

/** A record whose reading is allowed, as far as its own rules go. */
interface Allowed extends BasedReading {
  readonly item: DisclosureItem;
  readonly disclosures: readonly string[];
}

/** `entity`: the name that the node's records have; `signer`: the record key's. */
export function createDisclosureService(deps: {
  entity: string;
  findBases: FindBases;
  logReadings: LogBasedReadings;
  sealer: RecordSealer;
  signer: Signer;
  clock: () => number;
}): Disclose {
  const { entity, sealer, clock } = deps;

  function allow(item: DisclosureItem, decision: Decision): Allowed | AttestryError {
    const { row, rid, compiled, registry } = item;
    if (row === undefined) return new AttestryError("record_unknown", "there is no such record");
    const { disclosures: all } = openSecrets(sealer, row).secrets;
    const payload = readOwnPayload(row.version.jwt);
    const disclosures = item.isStateOnly
      ? []
      : selectDisclosures({
          payload,
          disclosures: all,
          isChosen: ([member, ...path]) => member === "data" && isCovered(path.join("."), decision.fields),
        });
    const subject = subjectOfRecord(compiled, { rid, data: readFullData(row.version.jwt, all) });
    const foreign = findForeign(decision, subject);
    if (foreign) return foreign;
    const record = { registry, rid, version: row.version.version };
    return { item, decision, disclosures, fields: disclosedFields(payload, disclosures), subject, record };
  }

  async function present(
    { item, disclosures, decision }: Allowed,
    { event, receipt }: CommittedReading,
    { access, caller }: { access: ReadAccess; caller: MemberNode },
  ): Promise<DisclosureOutcome> {
    const now = clock();
    const claims: PresentationClaims = {
      iss: entity,
      aud: caller.entity,
      nonce: access.nonce,
      iat: now,
      exp: now + PRESENTATION_SECONDS,
      purpose: access.purpose,
      basis: basisOf(decision),
      sd_hash: sdHash(formatSdJwt(item.row!.version.jwt, disclosures)),
      event,
    };
    const token = await signJws({
      signer: deps.signer,
      typ: PRESENTATION_TYPE,
      payload: claims as unknown as JsonObject,
    });
    return { disclosures, presentation: { token, receipt } };
  }

  return async (items, access, caller) => {
    const decisions = await deps.findBases(
      items.map(({ registry, rid, compiled }) => ({ registry, rid, compiled, fields: access.fields })),
      access,
      caller,
    );
    const decided = decisions.map((decision, at) =>
      decision instanceof AttestryError ? decision : allow(items[at]!, decision),
    );
    const allowed = decided.filter((one): one is Allowed => !(one instanceof AttestryError));
    const { nonce: _nonce, ...asked } = access;
    const hrefs = items.map(({ registry, rid, row }) => `${registry}/${rid}/${row?.version.version ?? 0}`);
    const request = sha256Base64url(canonicalJson({ ...asked, hrefs } as unknown as JsonObject));
    const logged = await deps.logReadings(allowed, { action: "read", access, caller, request });
    return Promise.all(
      decided.map((one) => {
        if (one instanceof AttestryError) return refusal(one);
        const reading = logged[allowed.indexOf(one)]!;
        return reading instanceof AttestryError ? refusal(reading) : present(one, reading, { access, caller });
      }),
    );
  };
}

function refusal({ code, message, details }: AttestryError): DisclosureOutcome {
  return {
    code: code as ErrorCode,
    message,
    fields: code === "consent_required" ? details.map(({ field }) => field ?? "") : [],
  };
}
