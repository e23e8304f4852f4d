// A node whose registry uses everything that hangs on the sealing keys, and the steps of their rotation in the test's own hands. Test code only.
import { expect } from "vitest";
import { createAccessSubjects } from "../src/access/access-subject-service.ts";
import { createSubjectResealing } from "../src/access/subject-resealing-service.ts";
import { createProposalSealer } from "../src/approval/proposal-sealer.ts";
import { createConsentResealing } from "../src/consent/consent-resealing-service.ts";
import { createConsentSealer } from "../src/consent/consent-sealer.ts";
import type { Json, JsonObject } from "../src/crypto/json.ts";
import { randomBytes } from "../src/crypto/random.ts";
import { lockLogState } from "../src/log/log-store.ts";
import { silentLogger } from "../src/logger.ts";
import { createAttachmentSealer } from "../src/records/attachments/attachment-sealer.ts";
import { createRecordSealer } from "../src/records/record-sealer.ts";
import { recordErased } from "../src/records/record-store.ts";
import { createSealingGuard } from "../src/records/sealing/sealing-guard-service.ts";
import {
  createSealingRotationService,
  type SealingRotationService,
} from "../src/records/sealing/sealing-rotation-service.ts";
import { createSealingSteps } from "../src/records/sealing/sealing-steps-service.ts";
import type { Database, Transaction } from "../src/storage/database.ts";
import { definition, type TestNode } from "./node-fixture.ts";

export const BIRTHS = definition("births", {
  access: "consent",
  properties: {
    district: { type: "string", "x-search": "exact", "x-personal": true },
    mother: { type: "string", "x-personal": true, "x-unique": true },
    mail: { type: "string", "x-personal": true, "x-search": "exact" },
    paper: { type: "object", "x-attachment": true, "x-personal": true },
  },
  members: {
    identifier: "B-{seq}",
    jurisdiction: [{ field: "district", claim: "district" }],
    duplicates: [{ name: "same-mail", fields: ["mail"] }],
    statistics: [{ name: "by-district", fields: ["district"], smallest: 1 }],
  },
});
export const DEEDS = definition("deeds", {
  access: "consent",
  properties: { owner: { type: "string", "x-personal": true } },
  members: { approval: ["approver"] },
});

/** The rotation as the node's own job does it, in steps of so many records. */
export function rotationOf(
  node: TestNode,
  {
    recordsPerStep = 2,
    clock = () => 0,
    database = node.database.database,
  }: { recordsPerStep?: number; clock?: () => number; database?: Database } = {},
): SealingRotationService {
  const { secrets, entity } = node;
  const { searchKey, sealing, wrappingKey: nodeKey } = secrets;
  const lockRecords = async (tx: Transaction) => void (await lockLogState(tx, "records"));
  const findRecordKey = async () => undefined;
  const steps = createSealingSteps({
    database,
    registries: node.node.registries,
    sealer: createRecordSealer({ entity, nodeKey }),
    attachmentSealer: createAttachmentSealer({ entity, nodeKey, searchKey }),
    proposalSealer: createProposalSealer({ entity, nodeKey, findRecordKey, recordErased }),
    wrapped: {
      people: createSubjectResealing({
        database,
        accessSubjects: createAccessSubjects({ database, entity, nodeKey, searchKey, random: randomBytes }),
      }),
      consents: createConsentResealing({ database, sealer: createConsentSealer({ entity, nodeKey }), searchKey }),
    },
    searchKey,
    lockRecords,
    recordsPerStep,
  });
  const guard = createSealingGuard({ sealing, clock });
  return createSealingRotationService({ database, sealing, guard, steps, lockRecords, clock, logger: silentLogger });
}

/** Every text that hangs on the sealing keys: keyed hashes, and bytes that the node's own key seals. */
export async function listKeyedTexts({ database }: TestNode): Promise<string[]> {
  const rows = await database.database.sql<{ text: string }[]>`
    select digest as text from access_subject
    union all select encode(sealed_key, 'hex') from access_subject
    union all select subject_digest from consent
    union all select encode(sealed_key, 'hex') from consent
    union all select digest as text from record_key
    union select value from record_search
    union select cell from record_statistic where name <> ''
    union select label from record_statistic where name <> ''
    union select key from attachment union select encode(sealed_key, 'hex') from attachment union select encode(sealed, 'hex') from attachment
    union select key from attachment_hold
    union select encode(sealed_key, 'hex') from record where sealed_key is not null
    union select encode(sealed, 'hex') from record_state where operation = 'erase' and sealed is not null
    union select encode(sealed_key, 'hex') from proposal where sealed_key is not null`;
  return rows.map(({ text }) => text).sort();
}

export interface BirthCalls {
  create(data: JsonObject, more?: JsonObject, headers?: Record<string, string>): ReturnType<TestNode["request"]>;
  made(data: JsonObject): Promise<JsonObject>;
  amend(rid: unknown, etag: string, body: JsonObject): ReturnType<TestNode["request"]>;
  change(rid: unknown, operation: string, body: Json): ReturnType<TestNode["request"]>;
  /** Codes of the records that a search finds, in their order. */
  find(fields: JsonObject, more?: JsonObject): Promise<unknown[]>;
  counts(): Promise<Json>;
  upload(text: string): Promise<JsonObject>;
}

export async function createBirthCalls(node: TestNode): Promise<BirthCalls> {
  const token = await node.token("registrar", { claims: { district: ["*"] } });
  const base = "/registries/births/records";
  const create: BirthCalls["create"] = (data, more = {}, headers = {}) =>
    node.request("POST", base, { token, json: { data, ...more }, headers });
  return {
    create,
    async made(data) {
      const answer = await create(data);
      expect(answer.status, answer.text).toBe(201);
      return answer.body;
    },
    amend: (rid, etag, json) =>
      node.request("PATCH", `${base}/${String(rid)}`, { token, json, headers: { "if-match": `"${etag}"` } }),
    change: (rid, operation, json) => node.request("POST", `${base}/${String(rid)}/${operation}`, { token, json }),
    async find(fields, more = {}) {
      const answer = await node.request("POST", `${base}:search`, { token, json: { fields, ...more } });
      expect(answer.status, answer.text).toBe(200);
      return (answer.body.records as JsonObject[]).map(({ data }) => (data as JsonObject).code);
    },
    async counts() {
      const answer = await node.request("GET", "/registries/births/statistics/by-district", { token });
      expect(answer.status, answer.text).toBe(200);
      return answer.body.counts!;
    },
    async upload(text) {
      const answer = await node.request("POST", "/registries/births/attachments", {
        token,
        body: `%PDF-1.7\n${text}`,
        headers: { "content-type": "application/pdf" },
      });
      expect(answer.status, answer.text).toBe(201);
      return answer.body;
    },
  };
}
