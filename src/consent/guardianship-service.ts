// Who acts for a child: told by records of this node that are in force, until the child is of age. Grants nothing by itself.
import { anniversaryOf } from "../clock.ts";
import type { JsonObject } from "../crypto/json.ts";
import { claimText } from "../identity/jurisdiction.ts";
import type { RecordSealer } from "../records/record-sealer.ts";
import { findHeads, findRecords } from "../records/record-store.ts";
import { openSecrets, readFullData } from "../records/record-view.ts";
import type { Subject } from "../records/subject.ts";
import type { PersonClaims, SubjectService } from "../records/subjects/subject-service.ts";
import { valuesAt } from "../registries/annotations.ts";
import type { CompiledGuardianship } from "../registries/disclosure-rules.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { ConsentGiver } from "./consent.ts";

export interface ConsentRelations {
  /** The children whom a person acts for today, each with the record that says so. */
  findChildren(claims: PersonClaims): Promise<readonly ActedFor[]>;
  /** Whether the record of a relation is in force: what a guardian gave holds no longer than that. */
  isInForce(relation: { readonly registry: string; readonly rid: string }): Promise<boolean>;
}

export interface ActedFor {
  readonly subject: Subject;
  readonly giver: ConsentGiver;
  /** From then on the child speaks for itself (Unix seconds). */
  readonly until: number;
}

/** The child of a record, if one of these claims is a guardian's: what is sealed decides, not the index. */
function findChild(
  data: JsonObject,
  rule: CompiledGuardianship,
  { claims, today }: { claims: PersonClaims; today: string },
): Pick<ActedFor, "subject" | "until"> | undefined {
  const guardians = rule.guardians.map((path) => claimText(valuesAt(data, path)[0]));
  if (!Object.hasOwn(claims, rule.claim) || !guardians.includes(claims[rule.claim])) return undefined;
  const value = claimText(valuesAt(data, rule.child)[0]);
  const born = valuesAt(data, rule.born)[0];
  const majority = typeof born === "string" ? anniversaryOf(born, rule.years) : undefined;
  // Without a date of birth nobody can say that the child is one.
  if (value === undefined || majority === undefined || today >= majority) return undefined;
  return { subject: { claim: rule.claim, value }, until: Date.parse(majority) / 1_000 };
}

export function createConsentRelations(deps: {
  database: Database;
  registries: Pick<RegistryService, "getVersion">;
  subjects: Pick<SubjectService, "findGuardianships">;
  sealer: RecordSealer;
  clock: () => number;
}): ConsentRelations {
  const { database, registries, sealer, clock } = deps;
  return {
    async findChildren(claims) {
      const found = await deps.subjects.findGuardianships(claims);
      if (found.length === 0) return [];
      const rows = await findRecords(
        database,
        found.map(({ rid }) => rid),
      );
      const today = new Date(clock() * 1_000).toISOString().slice(0, 10);
      const children = await Promise.all(
        [...rows.values()].map(async (row) => {
          // A relation that was suspended, ended or revoked gives nobody a say.
          if (row.record.state !== "active") return undefined;
          const { registry, rid, version } = row.record;
          const { guardianship } = (await registries.getVersion(registry, row.version.definitionVersion)).disclosure;
          if (!guardianship) return undefined;
          const data = readFullData(row.version.jwt, openSecrets(sealer, row).secrets.disclosures);
          const child = findChild(data, guardianship, { claims, today });
          const giver: ConsentGiver = { kind: "guardian", relation: { registry, rid, version } };
          return child && { ...child, giver };
        }),
      );
      return children.filter((child) => child !== undefined);
    },

    async isInForce({ registry, rid }) {
      const record = (await findHeads(database, [rid])).get(rid);
      return record?.registry === registry && record.state === "active";
    },
  };
}
