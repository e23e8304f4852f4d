// Offices of a federation over real HTTP and real databases, each counting what it is asked, and directories that look at them. Test code only.
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { randomBytes } from "../../src/crypto/random.ts";
import { createDirectoryService, type DirectoryService } from "../../src/federation/directory-service.ts";
import type { DirectoryMember } from "../../src/federation/directory-view-store.ts";
import { entityWithoutScheme } from "../../src/federation/entity-identifier.ts";
import { createFederationService, type FederationService } from "../../src/federation/federation-service.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import type { AnchorPin } from "../../src/federation/trust-chain.ts";
import { createExtendedListRoutes } from "../../src/http/extended-list-routes.ts";
import { createFederationRoutes } from "../../src/http/federation-routes.ts";
import { formatVerifierKey } from "../../src/log/note.ts";
import { createEntity, type TestEntity } from "../chain-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

export interface Office {
  readonly keys: TestEntity;
  readonly id: string;
  readonly federation: FederationService;
  readonly superiors: string[];
  readonly registryTypes: string[];
  /** Paths that were asked since `World.forget`, below the office's own. */
  readonly requests: string[];
  /** While true, nobody gets an answer from it. */
  isSilent: boolean;
}

export interface World {
  readonly time: { now: number };
  startOffice(options?: { superiors?: readonly Office[]; registryTypes?: readonly string[] }): Promise<Office>;
  /** A peer that answers whatever `listener` does; its base URL. */
  startPeer(listener: RequestListener): Promise<string>;
  openDirectory(anchors: readonly AnchorPin[], database?: TestDatabase): Promise<DirectoryService>;
  createDatabase(): Promise<TestDatabase>;
  /** Forgets what all offices were asked. */
  forget(): void;
  /** What all offices were asked since, sorted. */
  asked(): { office: Office; path: string }[];
  close(): Promise<void>;
}

export function createWorld(): World {
  const time = { now: 1_800_000_000 };
  const clock = (): number => time.now;
  const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const closers: (() => Promise<unknown>)[] = [];
  const offices: Office[] = [];

  async function createDatabase(): Promise<TestDatabase> {
    const database = await createTestDatabase();
    closers.push(() => database.drop());
    return database;
  }

  async function startOffice(
    { superiors = [], registryTypes = ["districts"] } = {} as {
      superiors?: readonly Office[];
      registryTypes?: readonly string[];
    },
  ): Promise<Office> {
    const app = new Hono();
    const server = await new Promise<Server>((resolve) => {
      const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(started as Server));
    });
    const keys = createEntity(`http://127.0.0.1:${(server.address() as AddressInfo).port}/office`);
    const origin = `${entityWithoutScheme(keys.id)}/log/records`;
    const { database } = await createDatabase();
    const lists = { superiors: superiors.map(({ id }) => id), registryTypes: [...registryTypes] };
    const federation = createFederationService({
      database,
      httpClient,
      clock,
      entity: keys.id,
      organizationName: `Office at ${keys.id}`,
      contacts: [],
      registryTypes: async () => lists.registryTypes,
      keys: {
        federation: keys.federation,
        record: [keys.record.publicKey],
        status: [keys.status.publicKey],
        request: [keys.request.publicKey],
      },
      logs: { records: { origin, vkeys: [formatVerifierKey({ name: origin, raw: keys.log.publicKey.raw })] } },
      superiors: lists.superiors,
      allowLoopbackHttp: true,
    });
    const office: Office = { keys, id: keys.id, federation, requests: [], isSilent: false, ...lists };
    app.use(async (context, next) => {
      if (office.isSilent) {
        (context.env as { incoming: IncomingMessage }).incoming.socket.destroy();
        return context.body(null);
      }
      office.requests.push(context.req.path.slice("/office".length));
      return next();
    });
    app.route("/office", createFederationRoutes({ federation }));
    app.route("/office", createExtendedListRoutes({ federation }));
    closers.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    offices.push(office);
    return office;
  }

  return {
    time,
    startOffice,
    createDatabase,
    async startPeer(listener) {
      const server = createServer(listener);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closers.push(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async openDirectory(anchors, database) {
      const { database: own } = database ?? (await createDatabase());
      return createDirectoryService({
        database: own,
        findAnchors: async () => anchors,
        httpClient,
        clock,
        random: randomBytes,
        allowLoopbackHttp: true,
      });
    },
    forget() {
      for (const office of offices) office.requests.length = 0;
    },
    asked: () => offices.flatMap((office) => office.requests.map((path) => ({ office, path }))),
    async close() {
      httpClient.close();
      for (const close of closers.reverse()) await close();
    },
  };
}

/** Every member that a directory knows, by entity identifier. */
export async function readAll(directory: DirectoryService): Promise<Map<string, DirectoryMember>> {
  const { members } = await directory.list({ limit: 500 });
  return new Map(members.map((member) => [member.entity, member]));
}
