// Whether a chain is found must not depend on who is named first: every order of superiors and of pins gives the same chain, or the same refusal.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { AttestryError } from "../../src/errors.ts";
import { createChainService } from "../../src/federation/chain-service.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import type { AnchorPin } from "../../src/federation/trust-chain.ts";
import { CHAIN_WALK_FETCHES_MAX } from "../../src/limits.ts";
import {
  createEntity,
  draftConfiguration,
  draftSubordinate,
  pinOf,
  type StatementDraft,
  signDraft,
  type TestEntity,
} from "../chain-fixture.ts";

const NOW = 1_800_000_000;
const TYPES = ["births", "districts"];
const clock = (): number => NOW;
const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });

/** One entity of the world; what it says may be falsified before it is signed. */
interface Member {
  readonly keys: TestEntity;
  superiors: string[];
  editStatement: (statement: StatementDraft) => void;
}

const members = new Map<string, Member>();
let server: Server;
let base = "";
let requests = 0;

function idOf(name: string): string {
  return `${base}/${name}`;
}

function add(name: string, superiors: string[], editStatement: Member["editStatement"] = () => {}): Member {
  const member = { keys: createEntity(idOf(name)), superiors: superiors.map(idOf), editStatement };
  members.set(name, member);
  return member;
}

/** A name that begins with "maze" is an entity with sixteen superiors, each of which is one, without end. */
function findMember(name: string): Member | undefined {
  const known = members.get(name);
  if (known !== undefined || !name.startsWith("maze")) return known;
  return add(
    name,
    Array.from({ length: 16 }, (_, j) => `${name}-${j}`),
  );
}

async function answerFor(url: URL): Promise<string | undefined> {
  const [, name, ...rest] = url.pathname.split("/");
  const member = findMember(name!);
  if (member === undefined) return undefined;
  if (rest.join("/") === ".well-known/openid-federation") {
    const { keys, superiors } = member;
    const configuration = draftConfiguration(keys, { superiors, registryTypes: TYPES, now: NOW });
    Object.assign(configuration.claims.metadata as JsonObject, {
      federation_entity: { federation_fetch_endpoint: `${keys.id}/fetch` },
    });
    return signDraft(configuration);
  }
  const subject = members.get(url.searchParams.get("sub")!.slice(base.length + 1));
  if (subject === undefined) return undefined;
  const statement = draftSubordinate(member.keys, subject.keys, { registryTypes: TYPES, now: NOW });
  member.editStatement(statement);
  return signDraft(statement);
}

beforeAll(async () => {
  server = createServer(async (request, answer) => {
    requests++;
    const text = await answerFor(new URL(request.url!, base));
    if (text === undefined) answer.writeHead(404).end();
    else answer.setHeader("content-type", "application/entity-statement+jwt").end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  httpClient.close();
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  members.clear();
  requests = 0;
});

function chainOf(name: string, anchors: readonly AnchorPin[]) {
  return createChainService({ anchors, httpClient, clock, allowLoopbackHttp: true }).getChain(idOf(name));
}

/** The names of a chain's entities, from the subject to the anchor. */
function pathOf(chain: { readonly statements: readonly string[] }): string[] {
  const issuers = chain.statements.map(
    (text) => JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()).iss as string,
  );
  return [...new Set(issuers)].map((id) => id.slice(base.length + 1));
}

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

const pin = (name: string, types: readonly string[]): AnchorPin => pinOf(members.get(name)!.keys, types);

/** An anchor, and a superior for each way in which a path can fail. */
function addBrokenPaths(): string[] {
  add("anchor", []);
  const stranger = createEntity("https://stranger.example.org");
  add("forged", ["anchor"], (statement) => Object.assign(statement, { signer: stranger.federation }));
  add("circle", ["subject"]);
  add("narrow", ["anchor"], ({ claims }) => {
    claims.metadata_policy = { registry_node: { homepage: { essential: true } } };
  });
  add("alone", []);
  return ["forged", "circle", "narrow", "alone"];
}

const CODES_OF_BROKEN_PATHS = [
  ["alone", "anchor_unknown"],
  ["circle", "chain_loop"],
  ["forged", "statement_signature_invalid"],
  ["narrow", "policy_violated"],
];

describe("in every order of superiors", () => {
  test("the one valid path among broken ones is found", async () => {
    const broken = addBrokenPaths();
    const subject = add("subject", []);
    add("good", ["anchor"]);
    const orders = ordersOf([...broken, "good"]);
    expect(orders).toHaveLength(120);
    for (const order of orders) {
      subject.superiors = order.map(idOf);
      const chain = await chainOf("subject", [pin("anchor", ["districts"])]);
      expect([order, pathOf(chain), chain.registryTypes]).toEqual([
        order,
        ["subject", "good", "anchor"],
        ["districts"],
      ]);
    }
  });

  test("without a valid one each broken path is told with the rule that ended it", async () => {
    const broken = addBrokenPaths();
    const subject = add("subject", []);
    for (const order of ordersOf(broken)) {
      subject.superiors = order.map(idOf);
      const failure = await chainOf("subject", [pin("anchor", TYPES)]).then(
        () => undefined,
        (error: AttestryError) => error,
      );
      const told = failure?.details.map(({ field, message }) => [
        field.split(" > ")[1]!.slice(base.length + 1),
        message.split(":")[0]!,
      ]);
      expect([order, failure?.code, told?.sort()]).toEqual([order, "chain_not_found", CODES_OF_BROKEN_PATHS]);
    }
  });

  test("of several valid paths the shortest is chosen, of these the one that grants most, and of these always the same", async () => {
    add("anchor", []);
    add("long", ["middle"]);
    add("middle", ["anchor"]);
    add("poor", ["anchor"], ({ claims, signer }) => {
      if (claims.sub === idOf("subject") && signer === members.get("poor")!.keys.federation)
        claims.metadata_policy = { registry_node: { registry_types: { subset_of: ["births"] } } };
    });
    add("rich", ["anchor"]);
    add("rich-too", ["anchor"]);
    const subject = add("subject", []);
    for (const order of ordersOf(["long", "poor", "rich-too", "rich"])) {
      subject.superiors = order.map(idOf);
      const chain = await chainOf("subject", [pin("anchor", TYPES)]);
      expect([order, pathOf(chain)]).toEqual([order, ["subject", "rich", "anchor"]]);
    }
  });
});

describe("two anchors that are pinned for different types", () => {
  test("grant their own types only, whichever is pinned or named first", async () => {
    add("land", []);
    add("people", []);
    add("by-land", ["land"]);
    add("by-people", ["people"]);
    const subject = add("subject", []);
    const chosen = new Set<string>();
    for (const superiors of ordersOf(["by-land", "by-people"])) {
      subject.superiors = superiors.map(idOf);
      for (const anchors of ordersOf([pin("land", ["districts"]), pin("people", ["births"])])) {
        const { anchor, registryTypes } = await chainOf("subject", anchors);
        chosen.add(`${anchor.slice(base.length + 1)}: ${registryTypes.join()}`);
      }
      expect((await chainOf("subject", [pin("people", ["births"])])).registryTypes).toEqual(["births"]);
      expect((await chainOf("subject", [pin("land", ["districts"])])).registryTypes).toEqual(["districts"]);
    }
    expect([...chosen]).toEqual(["land: districts"]);
  });

  test("do so too where one vouches for the other", async () => {
    add("land", []);
    add("people", ["land"]);
    add("office", ["people"]);
    const pins = [pin("land", ["districts"]), pin("people", ["births"])];
    for (const anchors of ordersOf(pins)) {
      const chain = await chainOf("office", anchors);
      expect([pathOf(chain), chain.registryTypes]).toEqual([["office", "people"], ["births"]]);
    }
    expect((await chainOf("office", pins.slice(0, 1))).registryTypes).toEqual(["districts"]);
  });
});

test("a superior with superiors without end neither hides the path beside it nor costs more than the limit", async () => {
  add("anchor", []);
  add("state", ["anchor"]);
  add("zone", ["state"]);
  const subject = add("subject", []);
  for (const order of ordersOf(["maze", "zone"])) {
    subject.superiors = order.map(idOf);
    requests = 0;
    const chain = await chainOf("subject", [pin("anchor", TYPES)]);
    expect(pathOf(chain)).toEqual(["subject", "zone", "state", "anchor"]);
    expect(requests).toBeLessThanOrEqual(CHAIN_WALK_FETCHES_MAX);
  }
});
