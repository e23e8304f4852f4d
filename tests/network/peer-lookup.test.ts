// Peers' names, asked of a real name server that answers in part, falsely, or not at all.
import { pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { createNameServerLookup } from "../../src/federation/peer-lookup-client.ts";
import { PEER_LOOKUP_MS, PEER_LOOKUP_SECOND_MS } from "../../src/limits.ts";
import { type NameServer, startNameServer } from "../name-server.ts";

const NAME = "office.example.org";
const IPV4 = [93, 184, 215, 14];
const IPV6 = [0x26, 0x06, 0x28, 0, 0x02, 0x20, 0, 1, 2, 0x48, 0x18, 0x93, 0x25, 0xc8, 0x19, 0x46];
let server: NameServer | undefined;

afterEach(() => server?.close());

async function lookUp(answer: Parameters<typeof startNameServer>[0]): Promise<{ found: unknown; ms: number }> {
  server = await startNameServer(answer);
  const resolve = createNameServerLookup([server.address]);
  const started = performance.now();
  const found = await resolve(NAME).then(
    (addresses) => [...addresses].sort(),
    (error: { code: string }) => error.code,
  );
  return { found, ms: performance.now() - started };
}

it("both families' addresses are found", async () => {
  const { found } = await lookUp((question) => (question.startsWith("AAAA") ? [IPV6] : [IPV4]));
  expect(found).toEqual(["2606:2800:220:1:248:1893:25c8:1946", "93.184.215.14"]);
  expect(server!.asked.sort()).toEqual([`A ${NAME}`, `AAAA ${NAME}`]);
});

it.each([
  ["says that there are none", [] as number[][]],
  ["says that there is no such name", "unknown" as const],
  ["keeps silent", undefined],
])("one family's are enough where the server %s of the other", async (_name, other) => {
  const { found, ms } = await lookUp((question) => (question.startsWith("AAAA") ? other : [IPV4]));
  expect(found).toEqual(["93.184.215.14"]);
  expect(ms).toBeLessThan(PEER_LOOKUP_SECOND_MS + 700);
});

it("a name that leads inside is told as it is: whoever connects refuses it", async () => {
  const { found } = await lookUp((question) => (question.startsWith("AAAA") ? [] : [[169, 254, 169, 254], IPV4]));
  expect(found).toEqual(["169.254.169.254", "93.184.215.14"]);
});

it("a name that there is not is an error", async () => {
  expect((await lookUp(() => "unknown")).found).toBe("ENOTFOUND");
  await server!.close();
  expect((await lookUp(() => [])).found).toBe("ENODATA");
});

it("silence ends, and meanwhile holds up none of the process's threads", async () => {
  server = await startNameServer(() => undefined);
  const resolve = createNameServerLookup([server.address]);
  const started = performance.now();
  const lookups = Array.from({ length: 20 }, (_, i) =>
    resolve(`peer-${i}.example.org`).catch((error: { code: string }) => error.code),
  );
  // Four such are all that there is room for; a blocking lookup would take each of them.
  await Promise.all(Array.from({ length: 8 }, () => promisify(pbkdf2)("x", "y", 1, 32, "sha256")));
  expect(performance.now() - started).toBeLessThan(PEER_LOOKUP_MS);
  expect(new Set(await Promise.all(lookups))).toEqual(new Set(["ETIMEOUT"]));
  expect(performance.now() - started).toBeLessThan(4 * PEER_LOOKUP_MS + 1_500);
  expect([PEER_LOOKUP_MS, PEER_LOOKUP_SECOND_MS]).toEqual([1_000, 100]);
});
