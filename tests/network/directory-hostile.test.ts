// Superiors that lie to the directory or try to wear it out: each costs at most its limits, and nobody else anything.
import type { RequestListener } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { DirectoryService } from "../../src/federation/directory-service.ts";
import { DIRECTORY_FAILURES_MAX, DIRECTORY_MEMBERS_AT_ONCE, DIRECTORY_SUBORDINATES_MAX } from "../../src/limits.ts";
import {
  createEntity,
  draftConfiguration,
  draftSubordinate,
  pinOf,
  type StatementDraft,
  signDraft,
  type TestEntity,
} from "../chain-fixture.ts";
import { createWorld, type Office, readAll, type World } from "./directory-world.ts";

const TYPES = ["districts"];
const CONFIGURATION = "/.well-known/openid-federation";
const STATEMENT = { "content-type": "application/entity-statement+jwt" };
const JSON_TYPE = { "content-type": "application/json" };

let world: World;
let anchor: Office;
let honest: Office;

beforeAll(async () => {
  world = createWorld();
  anchor = await world.startOffice();
  honest = await world.startOffice({ superiors: [anchor] });
  await anchor.federation.acceptSubordinate({ entity: honest.id, registryTypes: TYPES });
});

afterAll(() => world.close());

interface Liar {
  readonly keys: TestEntity;
  readonly requests: string[];
  readonly directory: DirectoryService;
}

/** A superior that the anchor vouches for, which answers requests for its lists with `answer`; `edit` changes its metadata. */
async function startLiar(
  answer: (keys: TestEntity, ...args: Parameters<RequestListener>) => unknown,
  edit: (endpoints: JsonObject, base: string) => void = () => {},
): Promise<Liar> {
  const requests: string[] = [];
  let configuration = "";
  const base = await world.startPeer((request, response) => {
    requests.push(request.url!);
    if (request.url === CONFIGURATION) response.writeHead(200, STATEMENT).end(configuration);
    else answer(keys, request, response);
  });
  const keys = createEntity(base);
  const draft = draftConfiguration(keys, { superiors: [anchor.id], registryTypes: TYPES, now: world.time.now });
  const endpoints: JsonObject = {
    federation_fetch_endpoint: `${base}/fetch`,
    federation_list_endpoint: `${base}/list`,
    federation_extended_list_endpoint: `${base}/extended`,
  };
  edit(endpoints, base);
  Object.assign(draft.claims.metadata as object, { federation_entity: endpoints });
  configuration = await signDraft(draft);
  await anchor.federation.acceptSubordinate({ entity: base, registryTypes: TYPES });
  const directory = await world.openDirectory([pinOf(anchor.keys, TYPES)]);
  return { keys, requests, directory };
}

/** Refreshes, and checks that the honest member did not suffer; then nobody vouches for the liar any more. */
async function refresh({ keys, directory }: Liar) {
  const startedAt = performance.now();
  const done = await directory.refresh();
  const milliseconds = performance.now() - startedAt;
  const members = await readAll(directory);
  expect(members.get(honest.id)).toMatchObject({ state: "valid", registryTypes: TYPES });
  await anchor.federation.removeSubordinate(keys.id);
  return { done: done!, milliseconds, members, liar: members.get(keys.id)! };
}

function line(id: string, statement?: string): JsonObject {
  return { id, status: "active", ...(statement !== undefined && { subordinate_statement: statement }) };
}

async function say(keys: TestEntity, subject: TestEntity, edit: (draft: StatementDraft) => void = () => {}) {
  const draft = draftSubordinate(keys, subject, { registryTypes: TYPES, now: world.time.now });
  edit(draft);
  return signDraft(draft);
}

describe("a superior whose list", () => {
  test("never ends is read to the limit, and nobody on it is asked", async () => {
    let page = 0;
    const liar = await startLiar((_keys, _request, response) => {
      page++;
      const lines = Array.from({ length: 500 }, (_, j) => line(`http://127.0.0.1:1/p${page}/m${j}`));
      response
        .writeHead(200, JSON_TYPE)
        .end(
          JSON.stringify({ immediate_subordinate_entities: lines, next_entity_id: `http://127.0.0.1:1/p${page + 1}` }),
        );
    });
    const { liar: entry, done } = await refresh(liar);
    expect(page).toBe(DIRECTORY_SUBORDINATES_MAX / 500 + 1);
    expect(entry).toMatchObject({ state: "refused", code: "too_many_items" });
    // The configurations of the anchor, the honest member and the liar.
    expect(done.fetched).toBe(3);
  });

  test("leads in a circle is left", async () => {
    const liar = await startLiar((_keys, _request, response) =>
      response.writeHead(200, JSON_TYPE).end(
        JSON.stringify({
          immediate_subordinate_entities: [line("http://127.0.0.1:1/a")],
          next_entity_id: "http://127.0.0.1:1/a",
        }),
      ),
    );
    const { liar: entry } = await refresh(liar);
    expect(entry).toMatchObject({ state: "refused", code: "peer_response_invalid" });
    expect(liar.requests.filter((path) => path.startsWith("/extended"))).toHaveLength(2);
  });

  test("has a million names in one answer is refused whole", async () => {
    const names = JSON.stringify(Array.from({ length: 1_000_000 }, (_, j) => `http://127.0.0.1:1/${j}`));
    const liar = await startLiar(
      (_keys, _request, response) => response.writeHead(200, JSON_TYPE).end(names),
      (endpoints) => delete endpoints.federation_extended_list_endpoint,
    );
    const { liar: entry, members } = await refresh(liar);
    expect(entry.state).toBe("refused");
    expect(["too_many_items", "peer_response_too_large"]).toContain(entry.code);
    expect(members.size).toBe(3);
  });

  test.each([
    ["is no JSON", "<html>"],
    ["is JSON of another form", '{"entities":[]}'],
    ["has lines that are none", '{"immediate_subordinate_entities":[null,1,{"id":"not a url"},{"id":5}]}'],
  ])("%s costs one request", async (_name, text) => {
    const liar = await startLiar((_keys, _request, response) => response.writeHead(200, JSON_TYPE).end(text));
    const { members } = await refresh(liar);
    expect(members.size).toBe(3);
    expect(liar.requests.filter((path) => path.startsWith("/extended"))).toHaveLength(1);
  });

  test("stands at somebody else's address is not read", async () => {
    let asked = 0;
    const victim = await world.startPeer((_request, response) => {
      asked++;
      response.end();
    });
    const liar = await startLiar(
      (_keys, _request, response) => response.writeHead(404).end(),
      (endpoints) => {
        endpoints.federation_extended_list_endpoint = `${victim}/list`;
        endpoints.federation_list_endpoint = `${victim}/list`;
      },
    );
    const { liar: entry } = await refresh(liar);
    expect(asked).toBe(0);
    expect(entry).toMatchObject({ state: "valid", isSuperior: false });
  });

  test("names itself, the anchor, and others' subordinates gains nothing by it", async () => {
    const liar = await startLiar(async (keys, _request, response) => {
      const lines = [line(keys.id, "x.y.z"), line(anchor.id, "x.y.z"), line(honest.id, await say(keys, honest.keys))];
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ immediate_subordinate_entities: lines }));
    });
    const { members } = await refresh(liar);
    // The honest one does not name the liar as its superior.
    expect(members.get(honest.id)).toMatchObject({ superior: anchor.id, state: "valid" });
    expect(members.get(anchor.id)).toMatchObject({ superior: null, state: "valid" });
    expect(members.size).toBe(3);
  });

  test("has statements that are not its own, or not about that subordinate, convinces of nobody", async () => {
    const stranger = createEntity("https://stranger.example.org");
    const subjects: TestEntity[] = [];
    let configurations = new Map<string, string>();
    const host = await world.startPeer((request, response) =>
      response.writeHead(200, STATEMENT).end(configurations.get(request.url!.replace(CONFIGURATION, "")) ?? ""),
    );
    const liar = await startLiar(async (keys, _request, response) => {
      const edits: ((draft: StatementDraft) => void)[] = [
        () => {},
        (draft) => Object.assign(draft, { signer: stranger.federation }),
        (draft) => Object.assign(draft.claims, { iss: anchor.id }),
        (draft) => Object.assign(draft.claims, { sub: honest.id }),
        (draft) => Object.assign(draft.claims, { exp: world.time.now - 1 }),
        (draft) => Object.assign(draft.claims, { jwks: { keys: [{ ...stranger.federation.publicKey.jwk }] } }),
      ];
      for (const [j] of edits.entries()) subjects[j] ??= createEntity(`${host}/m${j}`);
      const options = { superiors: [keys.id], registryTypes: TYPES, now: world.time.now };
      configurations = new Map(
        await Promise.all(
          subjects.map(
            async (one): Promise<[string, string]> => [
              new URL(one.id).pathname,
              await signDraft(draftConfiguration(one, options)),
            ],
          ),
        ),
      );
      const lines = await Promise.all(
        edits.map(async (edit, j) => line(subjects[j]!.id, await say(keys, subjects[j]!, edit))),
      );
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ immediate_subordinate_entities: lines }));
    });
    const { members } = await refresh(liar);
    expect(subjects.map(({ id }) => members.get(id)?.code ?? members.get(id)?.state)).toEqual([
      "valid",
      "statement_signature_invalid",
      "statement_issuer_mismatch",
      "statement_issuer_mismatch",
      // What has ended is fetched again, and this superior answers no fetch.
      "peer_response_invalid",
      "statement_key_unknown",
    ]);
  });

  test("sends the directory to many who do not answer is given up for this time", async () => {
    const asked = new Set<string>();
    const silent = await world.startPeer((request) => {
      asked.add(request.url!);
      request.socket.destroy();
    });
    const liar = await startLiar((_keys, _request, response) => {
      const lines = Array.from({ length: 2_000 }, (_, j) => line(`${silent}/m${j}`, "x.y.z"));
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ immediate_subordinate_entities: lines }));
    });
    const { milliseconds } = await refresh(liar);
    expect(asked.size).toBeLessThanOrEqual(DIRECTORY_FAILURES_MAX + DIRECTORY_MEMBERS_AT_ONCE);
    expect(milliseconds).toBeLessThan(10_000);
  });
});

describe("a superior of another make", () => {
  test("that has the standard's plain list only is walked by fetching each statement, once", async () => {
    const member = await world.startOffice();
    const gone = await world.startOffice();
    let names = [member.id, gone.id];
    const liar = await startLiar(
      async (keys, request, response) => {
        const url = new URL(request.url!, keys.id);
        if (url.pathname === "/list") return response.writeHead(200, JSON_TYPE).end(JSON.stringify(names));
        const subject = [member, gone].find(({ id }) => id === url.searchParams.get("sub"))!;
        return response.writeHead(200, STATEMENT).end(await say(keys, subject.keys));
      },
      (endpoints) => delete endpoints.federation_extended_list_endpoint,
    );
    for (const office of [member, gone]) office.superiors.push(liar.keys.id);
    await liar.directory.refresh();
    expect((await readAll(liar.directory)).get(member.id)).toMatchObject({ state: "valid", registryTypes: TYPES });
    liar.requests.length = 0;
    names = [member.id];
    const { members } = await refresh(liar);
    expect(liar.requests).toEqual(["/list"]);
    expect(members.get(member.id)).toMatchObject({ state: "valid" });
    expect(members.get(gone.id)).toMatchObject({ state: "removed" });
  });

  test("that is no registry node itself is a member that may sign nothing, and vouches for others all the same", async () => {
    const member = await world.startOffice();
    let configuration = "";
    const base = await world.startPeer(async (request, response) => {
      if (request.url === CONFIGURATION) return response.writeHead(200, STATEMENT).end(configuration);
      const lines = [line(member.id, await say(keys, member.keys))];
      return response.writeHead(200, JSON_TYPE).end(JSON.stringify({ immediate_subordinate_entities: lines }));
    });
    const keys = createEntity(base);
    const draft = draftConfiguration(keys, { superiors: [anchor.id], registryTypes: TYPES, now: world.time.now });
    const endpoints = { organization_name: "A ministry", federation_extended_list_endpoint: `${base}/extended` };
    draft.claims.metadata = { federation_entity: endpoints };
    configuration = await signDraft(draft);
    member.superiors.push(base);
    const directory = await world.openDirectory([pinOf(keys, TYPES)]);
    await directory.refresh();
    const members = await readAll(directory);
    expect(members.get(base)).toMatchObject({ state: "valid", registryTypes: [], organizationName: "A ministry" });
    expect(members.get(member.id)).toMatchObject({ state: "valid", registryTypes: TYPES });
  });
});
