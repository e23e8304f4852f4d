// The client over TLS: a peer is believed by its certificate for its name, whatever address it is found at and whatever the environment says.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSelfSigned } from "../self-signed.ts";

const NAME = "office.example.org";
const OTHER = "other.example.org";
const directory = mkdtempSync(join(tmpdir(), "attestry-https-"));
const authority = join(directory, "certificate.pem");
const root = new URL("../../", import.meta.url).pathname;
let server: Server;
let port: number;
let connections = 0;

beforeAll(async () => {
  const { key, cert } = createSelfSigned(NAME);
  writeFileSync(authority, cert);
  server = createServer({ key, cert }, (_, answer) => answer.end("{}"));
  server.on("secureConnection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.close().closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

async function ask(urls: string[], env: Record<string, string> = {}): Promise<string[]> {
  const args = ["--import", "tsx", "tests/network/https-process.ts", `${NAME},${OTHER}`, ...urls];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  return JSON.parse(stdout) as string[];
}

it("a peer with a certificate for its name is spoken to, over one connection that is kept", async () => {
  connections = 0;
  const url = `https://${NAME}:${port}/`;
  expect(await ask([url, url, url], { NODE_EXTRA_CA_CERTS: authority })).toEqual(["200", "200", "200"]);
  expect(connections).toBe(1);
});

it("a certificate for another name is refused", async () => {
  const [outcome] = await ask([`https://${OTHER}:${port}/`], { NODE_EXTRA_CA_CERTS: authority });
  expect(outcome).toBe(`peer_unreachable: ${OTHER}:${port} cannot be reached (ERR_TLS_CERT_ALTNAME_INVALID)`);
});

it("a certificate of nobody's is refused, also where the environment would have it believed", async () => {
  const outcome = `peer_unreachable: ${NAME}:${port} cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)`;
  expect(await ask([`https://${NAME}:${port}/`])).toEqual([outcome]);
  expect(await ask([`https://${NAME}:${port}/`], { NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toEqual([outcome]);
});
