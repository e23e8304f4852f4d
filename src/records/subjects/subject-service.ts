// Finds the records that are about a person, and those by which a person acts for a child. Shows none of them.
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { SUBJECT_RECORDS_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { personMark, type SubjectRole } from "../search/subject-marks.ts";
import { findRecordsOf } from "./subject-store.ts";

export interface FoundRecord {
  readonly registry: string;
  readonly rid: string;
}

export interface OwnRecords {
  readonly records: readonly FoundRecord[];
  /** Registries with one record a person in which several match: none of those is among `records`. */
  readonly ambiguous: readonly string[];
}

/** What a sign-in vouches for, by claim. */
export type PersonClaims = Readonly<Record<string, string>>;

export interface SubjectService {
  /** The records about a person, in all registries or in one; at most SUBJECT_RECORDS_MAX a registry. */
  findOwnRecords(claims: PersonClaims, registry?: string): Promise<OwnRecords>;
  /** The records by which a person acts for somebody else. */
  findGuardianships(claims: PersonClaims): Promise<readonly FoundRecord[]>;
}

export function createSubjectService(deps: {
  database: Database;
  registries: Pick<RegistryService, "list" | "getCurrent">;
  searchKey: KeyGenerations;
}): SubjectService {
  const { database, registries, searchKey } = deps;

  async function listCompiled(registry: string | undefined): Promise<CompiledDefinition[]> {
    if (registry !== undefined) return [await registries.getCurrent(registry)];
    return registries.list();
  }

  async function findMarked(role: SubjectRole, claims: PersonClaims, registry?: string) {
    const found = (await listCompiled(registry)).map(async (compiled) => {
      const mark = personMark({ searchKey, compiled, role, claims });
      const { name } = compiled.definition;
      const limit = SUBJECT_RECORDS_MAX;
      return { compiled, rids: mark ? await findRecordsOf(database, { registry: name, mark, limit }) : [] };
    });
    return Promise.all(found);
  }

  return {
    async findOwnRecords(claims, registry) {
      const found = await findMarked("subject", claims, registry);
      const isAmbiguous = ({ compiled, rids }: (typeof found)[number]) =>
        compiled.disclosure.subject?.isOne === true && rids.length > 1;
      return {
        records: found
          .filter((one) => !isAmbiguous(one))
          .flatMap(({ compiled, rids }) => rids.map((rid) => ({ registry: compiled.definition.name, rid }))),
        ambiguous: found.filter(isAmbiguous).map(({ compiled }) => compiled.definition.name),
      };
    },

    async findGuardianships(claims) {
      const found = await findMarked("guardian", claims);
      return found.flatMap(({ compiled, rids }) => rids.map((rid) => ({ registry: compiled.definition.name, rid })));
    },
  };
}
