// By which right a node may read what it asks for: its consents and marks looked up once, each record decided by its registry's rules.
import type { ConsentService } from "../consent/consent-service.ts";
import { AttestryError } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import type { ReadAccess } from "../records/record-disclosure.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { type Decision, decide } from "./disclosure-decision.ts";

/** A record whose fields are asked for; `fields` undefined: all that the basis allows. */
export interface BasisItem {
  readonly registry: string;
  readonly rid: string;
  /** By today's definition. */
  readonly compiled: CompiledDefinition;
  readonly fields: readonly string[] | undefined;
}

/** One decision per item, or why there is none. Throws `purpose_required`. */
export type FindBases = (
  items: readonly BasisItem[],
  access: Pick<ReadAccess, "purpose" | "consents">,
  caller: MemberNode,
) => Promise<(Decision | AttestryError)[]>;

export function createBasisFinder(deps: {
  consents: Pick<ConsentService, "findUsable">;
  /** Whether a node carries a trust mark of a type. */
  hasMark: (entity: string, type: string) => Promise<boolean>;
  clock: () => number;
}): FindBases {
  const { clock } = deps;
  return async (items, access, caller) => {
    if (access.purpose.trim() === "") throw new AttestryError("purpose_required", "access: the purpose is empty");
    const usable = await deps.consents.findUsable(access.consents ?? []);
    const consents = (access.consents ?? []).map((id) => ({ id, usable: usable.get(id) }));
    const types = new Set(
      items.flatMap(({ compiled }) =>
        compiled.disclosure.bases.flatMap(({ consumer, purpose }) =>
          consumer !== undefined && purpose === access.purpose && consumer !== caller.entity ? [consumer] : [],
        ),
      ),
    );
    const marks = new Map(
      await Promise.all([...types].map(async (type) => [type, await deps.hasMark(caller.entity, type)] as const)),
    );
    return items.map(({ registry, rid, compiled, fields }) =>
      decide({
        rules: compiled.disclosure,
        now: clock(),
        consumer: caller.entity,
        registry,
        rid,
        purpose: access.purpose,
        fields,
        consents,
        isConsumer: (name) => name === caller.entity || marks.get(name) === true,
      }),
    );
  };
}
