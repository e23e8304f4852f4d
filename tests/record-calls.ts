// The calls that tests make on one registry of a test node, as its staff would. Test code only.
import { expect } from "vitest";
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { Answer, TestNode } from "./node-fixture.ts";

export interface RecordCalls {
  /** Path of a record below the node's base URL. */
  path(rid: unknown): string;
  /** POST, whatever comes of it; `body` is the whole envelope. */
  post(body: Json, headers?: Record<string, string>): Promise<Answer>;
  /** POST that must be answered by 201; gives the view. */
  create(data: JsonObject, envelope?: JsonObject): Promise<JsonObject>;
  patch(rid: unknown, body: Json, headers?: Record<string, string>): Promise<Answer>;
  /** PATCH from the version given by its ETag, which must be answered by 200; gives the view. */
  amend(rid: unknown, etag: string, body: JsonObject): Promise<JsonObject>;
  /** POST of an operation that changes the state, whatever comes of it. */
  change(rid: unknown, operation: string, body?: Json, headers?: Record<string, string>): Promise<Answer>;
  revoke(rid: unknown, body?: Json, headers?: Record<string, string>): Promise<Answer>;
  /** GET below the record, by nobody or by the bearer of `token`. */
  get(rid: unknown, below?: string, token?: string): Promise<Answer>;
}

/** Calls of a registrar of this registry. */
export async function createRecordCalls(node: TestNode, registry: string): Promise<RecordCalls> {
  const token = await node.token("registrar");
  const base = `/registries/${registry}/records`;
  const path = (rid: unknown) => `${base}/${String(rid)}`;
  const post: RecordCalls["post"] = (body, headers) =>
    node.request("POST", base, { token, json: body, ...(headers && { headers }) });
  const change: RecordCalls["change"] = (rid, operation, body, headers) =>
    node.request("POST", `${path(rid)}/${operation}`, {
      token,
      ...(body !== undefined && { json: body }),
      ...(headers && { headers }),
    });
  const patch: RecordCalls["patch"] = (rid, body, headers) =>
    node.request("PATCH", path(rid), { token, json: body, ...(headers && { headers }) });
  return {
    path,
    post,
    patch,
    change,
    async create(data, envelope = {}) {
      const answer = await post({ data, ...envelope });
      expect(answer.status, answer.text).toBe(201);
      return answer.body;
    },
    async amend(rid, etag, body) {
      const answer = await patch(rid, body, { "if-match": `"${etag}"` });
      expect(answer.status, answer.text).toBe(200);
      return answer.body;
    },
    revoke: (rid, body, headers) => change(rid, "revoke", body, headers),
    get: (rid, below = "", bearer) => node.request("GET", `${path(rid)}${below}`, { token: bearer }),
  };
}

/** Status and code of a refusal, as one value to compare. */
export function refusal(answer: Answer): string {
  return `${answer.status} ${String(answer.body.code)}`;
}
