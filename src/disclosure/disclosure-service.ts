// Gives fields of personal records to other nodes: decided by the registry's rules and the person's consents, logged before it is answered, bound to the reader (DESIGN section 10).
import type { LoggedEvent } from "../access/access-log-service.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { selectDisclosures } from "../crypto/sd-jwt-selection.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import { PRESENTATION_SECONDS } from "../limits.ts";
import { disclosedFields } from "../records/disclosed-fields.ts";
import type { Disclose, DisclosureItem, DisclosureOutcome, ReadAccess } from "../records/record-disclosure.ts";
import type { RecordSealer } from "../records/record-sealer.ts";
import { openSecrets, readFullData, readOwnPayload } from "../records/record-view.ts";
import { subjectOfRecord } from "../records/subject.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import { type BasedReading, basisOf, type LogBasedReadings } from "./based-reading-service.ts";
import type { FindBases } from "./basis-service.ts";
import { type Decision, findForeign } from "./disclosure-decision.ts";
import type { PresentedReading, Presenter } from "./presentation-service.ts";

/** A record whose reading is allowed, as far as its own rules go. */
interface Allowed extends BasedReading {
  readonly item: DisclosureItem;
  readonly disclosures: readonly string[];
}

export function createDisclosureService(deps: {
  findBases: FindBases;
  logReadings: LogBasedReadings;
  presenter: Pick<Presenter, "present">;
  sealer: RecordSealer;
}): Disclose {
  const { sealer } = deps;

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
    const outcomes = decided.map((one) => (one instanceof AttestryError ? one : logged[allowed.indexOf(one)]!));
    const given = decided.flatMap((one, at) => {
      const event = outcomes[at]!;
      if (one instanceof AttestryError || event instanceof AttestryError) return [];
      return [{ one, reading: describe(one, event, { access, caller }) }];
    });
    const presentations = await deps.presenter.present(given.map(({ reading }) => reading));
    const presented = new Map(given.map(({ one }, at) => [one, presentations[at]!]));
    return decided.map((one, at) => {
      const outcome = outcomes[at]!;
      if (one instanceof AttestryError || outcome instanceof AttestryError) return refusal(outcome as AttestryError);
      return { disclosures: one.disclosures, presentation: presented.get(one)! };
    });
  };
}

function describe(
  { item, disclosures, decision }: Allowed,
  event: LoggedEvent,
  { access, caller }: { access: ReadAccess; caller: MemberNode },
): PresentedReading {
  return {
    token: formatSdJwt(item.row!.version.jwt, disclosures),
    audience: caller.entity,
    nonce: access.nonce,
    purpose: access.purpose,
    basis: basisOf(decision),
    commitment: event.commitment,
    logIndex: event.logIndex,
    end: { seconds: PRESENTATION_SECONDS },
  };
}

function refusal({ code, message, details }: AttestryError): DisclosureOutcome {
  return {
    code: code as ErrorCode,
    message,
    fields: code === "consent_required" ? details.map(({ field }) => field ?? "") : [],
  };
}
