// The row `disclosure`: a personal record given by a consent, logged before it is answered, against the same read of the same data that nobody has to allow.
import type { JsonObject } from "../../src/crypto/json.ts";
import { createEntity, draftChain, signChain } from "../chain-fixture.ts";
import { type SignedDraft, signDraft } from "../request-signing.ts";
import { runLoad } from "./load.ts";
import { type BenchRow, interleave, summarize } from "./measure.ts";
import { CONSUMER_ANCHOR, CONSUMER_TYPES, type World } from "./world.ts";

const CONNECTIONS = 64;
const SECONDS = 4;
const ROUNDS = 5;
const PEOPLE = 400;
// Signed ahead, so that the load costs the machine no more than sending them: more than a round takes.
const SIGNED_AHEAD = 6_000;

const now = () => Math.floor(Date.now() / 1_000);
const consumer = createEntity("https://consumer.bench.example");

function definition(name: string, access: "consent" | "members"): object {
  return {
    name,
    type: name,
    title: name,
    access,
    ...(access === "consent" && { subject: { field: "number", claim: "number" }, purposes: ["care"] }),
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["number", "name", "born", "street", "city"],
      properties: Object.fromEntries(
        ["number", "name", "born", "street", "city"].map((field) => [field, { type: "string" }]),
      ),
    },
  };
}

async function call(world: World, method: string, path: string, token: string, json: object): Promise<JsonObject> {
  const response = await fetch(`http://127.0.0.1:${world.nodePort}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(json),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as JsonObject;
}

/** One consented record, given and logged, a request; the twin reads a record of a `members` registry with the same data by the same signed request. */
export async function benchDisclosure(world: World): Promise<BenchRow> {
  const entity = `http://127.0.0.1:${world.nodePort}`;
  const chain = await signChain(draftChain([consumer, CONSUMER_ANCHOR], CONSUMER_TYPES, now()));
  const sign = (path: string, json: object, shown: readonly string[] | undefined): Promise<SignedDraft> =>
    signDraft({
      signer: consumer.request,
      sender: consumer.id,
      audience: entity,
      method: "POST",
      url: `${entity}${path}`,
      json: json as JsonObject,
      chain: shown,
    });
  const ask = async (path: string, json: object): Promise<JsonObject> => {
    const { method, headers, body } = await sign(path, json, chain);
    const response = await fetch(`${entity}${path}`, { method, headers, body: body! });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as JsonObject;
  };
  await call(world, "PUT", "/registries/patients", world.operator, definition("patients", "consent"));
  await call(world, "PUT", "/registries/patients-plain", world.operator, definition("patients-plain", "members"));
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, async (_, at) => {
      const number = `N-${at}-${now()}`;
      const data = { number, name: "Meera Deshpande", born: "1984-02-29", street: "12 Lake Road", city: "Nagpur" };
      const create = (registry: string) =>
        call(world, "POST", `/registries/${registry}/records`, world.registrar, { data });
      const [personal, plain] = await Promise.all([create("patients"), create("patients-plain")]);
      const { id } = await ask("/consents", {
        request_id: `request-${number}`,
        registry: "patients",
        subject: { claim: "number", value: number },
        purpose: "care",
        fields: ["name", "born", "street", "city"],
        expires_at: now() + 86_400,
      });
      await call(world, "POST", "/registries/patients/consents:assist", world.registrar, {
        id,
        decision: "give",
        witness: "bench",
        evidence: "A".repeat(43),
      });
      return { personal: personal.href as string, plain: plain.href as string, consent: id as string };
    }),
  );
  let drawn = 0;
  const bodies = {
    ours: () => {
      const { personal, consent } = people[drawn++ % PEOPLE]!;
      const access = {
        purpose: "care",
        request_id: `reading-${drawn}-${now()}`,
        nonce: "nonce-nonce-nonce",
        consents: [consent],
      };
      return { references: [{ href: personal }], access };
    },
    twin: () => ({ references: [{ href: people[drawn++ % PEOPLE]!.plain }] }),
  };
  const measure = async (body: () => object): Promise<number> => {
    const signed = await Promise.all(
      Array.from({ length: SIGNED_AHEAD }, () => sign("/records:read", body(), undefined)),
    );
    return runLoad({
      port: world.nodePort,
      connections: CONNECTIONS,
      seconds: SECONDS,
      expectedStatus: 200,
      next: () => {
        const one = signed.pop();
        if (!one) throw new Error("more requests were answered than signed ahead");
        return { method: "POST", path: "/records:read", headers: one.headers, body: one.body! };
      },
    });
  };
  const rounds = await interleave(ROUNDS, { ours: () => measure(bodies.ours), twin: () => measure(bodies.twin) });
  return summarize({
    row: "disclosure",
    goal: ">= 0.4 x",
    unit: "records/s",
    rounds,
    note: `consent and access entry against the same signed read of a members' record, ${CONNECTIONS} connections`,
  });
}
