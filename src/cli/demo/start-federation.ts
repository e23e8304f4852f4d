// From nothing, or from what a data directory holds, to a running federation: nodes, processes, grants, definitions, tokens.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { listNodeNames, type ProcessConfig, readDemoConfig, readNodeConfig } from "../../config.ts";
import { parseJson } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { parseAnchorPins } from "../../federation/anchor-pins.ts";
import type { Grant } from "../../federation/applicant.ts";
import type { AnchorPin } from "../../federation/trust-chain.ts";
import { DEMO_TOKEN_SECONDS } from "../../limits.ts";
import { createLogger } from "../../logger.ts";
import { currentSeconds, type Node } from "../../node.ts";
import { anchorPinPath, initializeNodeDirectory } from "../init.ts";
import { createNodeClient, type NodeClient } from "../node-client.ts";
import { nodeFilesOf } from "../node-files.ts";
import { openDatabaseServer, openNodes } from "../node-process.ts";
import {
  ANCHOR,
  DEMO_NODES,
  DEPARTMENTS,
  type DemoNodeName,
  type NodePlan,
  PINNED_TYPES,
  PORT_BASE_DEFAULT,
  planEntities,
  readExampleDefinition,
  STATE,
  type StaffPlan,
} from "./federation-plan.ts";
import { checkPortsFree, runCommand, type ServerProcess, startServer } from "./server-process.ts";
import { type DemoClient, PORTAL, PORTAL_MARK, planPortals, planSignIn } from "./sign-in-plan.ts";
import { type DemoProvider, generateClientSecret, startDemoProvider } from "./sign-in-provider.ts";

export interface StaffMember extends StaffPlan {
  readonly token: string;
}

/** One node of the running demo. */
export interface Party {
  readonly plan: NodePlan;
  readonly entity: string;
  readonly pid: number;
  readonly staff: readonly StaffMember[];
}

export interface DemoFederation {
  readonly parties: ReadonlyMap<DemoNodeName, Party>;
  /** What whoever trusts this federation pins. */
  readonly pins: readonly AnchorPin[];
  /** The same as a file, for commands. */
  readonly anchorsPath: string;
  /** The OpenID provider by which staff sign in on pages; undefined where its package is not installed. */
  readonly issuer: string | undefined;
  /** What the operators of these nodes do on the data directory, while the nodes run. */
  operate<Result>(
    names: readonly DemoNodeName[],
    use: (nodeOf: (name: DemoNodeName) => Node) => Promise<Result>,
  ): Promise<Result>;
  /** Runs a command on the data directory of one node. */
  command(name: DemoNodeName, args: readonly string[]): Promise<string>;
  /** Stops a node's process and starts another, which reads configuration and keys anew. */
  restart(name: DemoNodeName): Promise<void>;
  /** Resolves with a sentence when a node process ends by itself. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly dataDirectory: string;
  readonly portBase: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (sentence: string) => void;
  /** Lines that the nodes log. */
  readonly onLine: (node: string, line: string) => void;
}

export function getParty(federation: Pick<DemoFederation, "parties">, name: DemoNodeName): Party {
  return federation.parties.get(name)!;
}

/** A client that speaks as a member of staff, or as nobody in particular. */
export function clientOf(party: Party, role?: StaffPlan["role"]): NodeClient {
  const member = party.staff.find((one) => one.role === role);
  if (role !== undefined && member === undefined) throw new Error(`${party.plan.name} employs no ${role}`);
  return createNodeClient({ baseUrl: party.entity, token: member?.token });
}

/** The first port of the nodes: that of the data directory if it has nodes, which cannot move, else `portBase`. */
function choosePortBase(options: StartOptions): number {
  const { dataDirectory, portBase } = options;
  const existing = listNodeNames(dataDirectory);
  const known = existing.includes(ANCHOR.name) ? readNodeConfig(dataDirectory, ANCHOR.name).listen.port : undefined;
  const foreign = existing.filter((name) => !DEMO_NODES.some((plan) => plan.name === name));
  if (foreign.length > 0) {
    throw new AttestryError("config_invalid", `${dataDirectory} holds nodes of another kind: ${foreign.join(", ")}`);
  }
  if (known !== undefined && portBase !== undefined && portBase !== known) {
    throw new AttestryError(
      "config_invalid",
      `--port-base is ${portBase}, but ${dataDirectory} was made with ${known}: the addresses stand in its signed records`,
    );
  }
  return known ?? portBase ?? PORT_BASE_DEFAULT;
}

/** Makes a node where it is missing. All but the anchor need the anchors file, so the anchor comes first. */
async function initialize(
  config: ProcessConfig,
  options: { plan: NodePlan; entity: string; superior?: { entity: string; anchorsPath: string } },
): Promise<void> {
  const { plan, entity, superior } = options;
  const isNew = !listNodeNames(config.dataDirectory).includes(plan.name);
  await initializeNodeDirectory(config, {
    node: plan.name,
    ...(isNew && { entity, organization: plan.organization }),
    contact: [`mailto:registry@${plan.name}.example`],
    superior: superior ? [superior.entity] : [],
    ...(superior && { anchors: superior.anchorsPath }),
    development: true,
    unlockFile: true,
  });
}

/** Pins the anchor for exactly the types of the demo, as an agency would after it got the key out of band. */
function writePins(dataDirectory: string): { pins: AnchorPin[]; anchorsPath: string } {
  const { directory } = readNodeConfig(dataDirectory, ANCHOR.name);
  const made = parseAnchorPins(parseJson(readFileSync(anchorPinPath(directory), "utf8")));
  const pins = made.map((pin) => ({ ...pin, registry_types: PINNED_TYPES }));
  const anchorsPath = join(dataDirectory, "anchors.json");
  writeFileSync(anchorsPath, `${JSON.stringify(pins, null, 2)}\n`);
  return { pins, anchorsPath };
}

/** Of each start its own. */
const PORTAL_MARK_SECONDS = 30 * 86_400;

const CLIENT_SECRET_FILE = "demo-client-secret";

/** Starts the provider, with new keys and secrets each time, and tells it to the nodes' configuration. */
async function startSignIn(
  dataDirectory: string,
  options: { port: number; entities: ReadonlyMap<DemoNodeName, string> },
): Promise<DemoProvider | undefined> {
  const { port, entities } = options;
  const clients: DemoClient[] = DEMO_NODES.map((plan) => {
    return { plan, entity: entities.get(plan.name)!, secret: generateClientSecret() };
  });
  const provider = await startDemoProvider({ port, clients });
  for (const { plan, secret } of clients) {
    const files = nodeFilesOf(dataDirectory, plan.name);
    // Of an earlier start, whose provider may have been elsewhere.
    const { sign_in: _earlier, ...file } = files.readConfig();
    writeFileSync(join(dirname(files.configPath), CLIENT_SECRET_FILE), secret, { mode: 0o600 });
    const signIn = provider && planSignIn(plan.name, { issuer: provider.issuer, secretFile: CLIENT_SECRET_FILE });
    const portals = planPortals(plan.name, entities.get(ANCHOR.name)!);
    files.writeConfig({ ...file, ...portals, ...(signIn && { sign_in: signIn }) });
  }
  return provider;
}

function issueTokens(node: Node, plan: NodePlan): Promise<StaffMember[]> {
  const expiresAt = currentSeconds() + DEMO_TOKEN_SECONDS;
  return Promise.all(
    plan.staff.map(async (member) => {
      const { role, name } = member;
      return { ...member, token: await node.identity.createToken({ name, role, registries: undefined, expiresAt }) };
    }),
  );
}

async function publishDefinitions(party: Party): Promise<void> {
  for (const name of party.plan.registries) {
    const body = JSON.stringify(readExampleDefinition(name));
    await clientOf(party, "operator").send({
      method: "PUT",
      path: `/registries/${name}`,
      body,
      contentType: "application/json",
      isRepeatable: true,
    });
  }
}

/** Who is not vouched for yet applies to its superior, whose operator accepts it. */
async function enrol(superior: Node, node: Node, grant: Grant): Promise<void> {
  const known = await superior.federation.describeSubordinates();
  if (known.some(({ entity }) => entity === node.entity)) return;
  await node.enrolmentClient.apply({
    superior: superior.entity,
    configuration: await node.federation.getConfiguration(),
  });
  await superior.enrolment.accept({ entity: node.entity, grant, replaceKey: false });
}

/** The trust office lets the portal's page ask the departments for who signs in there. */
async function markPortal(anchor: Node, portal: Node): Promise<void> {
  const terms = { type: PORTAL_MARK, subject: portal.entity, seconds: PORTAL_MARK_SECONDS };
  await portal.trustMarks.carry((await anchor.trustMarks.issue(terms)).text);
}

/** What a superior grants in the demo: to the state all types, but nobody between it and the departments. */
export function grantOf({ name, registries }: NodePlan): Grant {
  return name === STATE.name ? { registryTypes: PINNED_TYPES, maxPathLength: 1 } : { registryTypes: registries };
}

/** Opens nodes of the data directory, while they run, for what operators do there. */
async function operate<Result>(
  config: ProcessConfig,
  names: readonly DemoNodeName[],
  use: (nodeOf: (name: DemoNodeName) => Node) => Promise<Result>,
): Promise<Result> {
  const opened = await openNodes({ process: config, names, isServed: true });
  try {
    return await use((name) => opened.nodes[names.indexOf(name)]!.node);
  } finally {
    await opened.close();
  }
}

/** Tokens for staff, definitions, enrolment. */
function furnish(
  config: ProcessConfig,
  servers: ReadonlyMap<DemoNodeName, ServerProcess>,
  entities: ReadonlyMap<DemoNodeName, string>,
): Promise<Map<DemoNodeName, Party>> {
  const names = DEMO_NODES.map(({ name }) => name);
  return operate(config, names, async (nodeOf) => {
    const parties = new Map<DemoNodeName, Party>();
    for (const plan of DEMO_NODES) {
      const staff = await issueTokens(nodeOf(plan.name), plan);
      parties.set(plan.name, { plan, entity: entities.get(plan.name)!, pid: servers.get(plan.name)!.pid, staff });
    }
    // Definitions first: a node declares the types of the registries that it has.
    for (const { name } of DEPARTMENTS) await publishDefinitions(parties.get(name)!);
    for (const plan of DEMO_NODES)
      if (plan.superior !== undefined) await enrol(nodeOf(plan.superior), nodeOf(plan.name), grantOf(plan));
    await markPortal(nodeOf(ANCHOR.name), nodeOf(PORTAL));
    return parties;
  });
}

/** Throws `config_invalid`, `demo_failed`, the signal's reason; whatever it throws, nothing is left running. */
export async function startFederation(options: StartOptions): Promise<DemoFederation> {
  const { dataDirectory, signal, onProgress } = options;
  const config = readDemoConfig(dataDirectory);
  const portBase = choosePortBase(options);
  const entities = planEntities(portBase);
  await checkPortsFree([...entities.values()].map((entity) => Number(new URL(entity).port)));

  const closers: (() => Promise<void>)[] = [];
  const servers = new Map<DemoNodeName, ServerProcess>();
  let tellFailure: (sentence: string) => void;
  const failed = new Promise<string>((resolve) => {
    tellFailure = resolve;
  });
  const start = async (name: DemoNodeName): Promise<void> => {
    const server = await startServer({ name, dataDirectory, onLine: (line) => options.onLine(name, line) });
    servers.set(name, server);
    server.failed.then(tellFailure);
  };
  const stop = async (): Promise<void> => {
    // Nodes first and together; the database when nobody needs it.
    await Promise.all([...servers.values()].map((server) => server.stop()));
    servers.clear();
    for (const close of closers.splice(0)) await close();
  };
  const next = (sentence: string): void => {
    signal.throwIfAborted();
    onProgress(sentence);
  };

  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    next("starting the database");
    // Held until the end, so that the server does not stop and start between the steps.
    const database = await openDatabaseServer(config, createLogger({ name: "demo", level: config.logLevel }));
    closers.push(() => database.release());

    next(`making ${ANCHOR.name}`);
    const anchor = entities.get(ANCHOR.name)!;
    await initialize(config, { plan: ANCHOR, entity: anchor });
    const { pins, anchorsPath } = writePins(dataDirectory);
    const others = DEMO_NODES.filter((plan) => plan !== ANCHOR);
    next(`making ${others.map(({ name }) => name).join(", ")}`);
    await Promise.all(
      others.map((plan) => {
        const superior = { entity: entities.get(plan.superior!)!, anchorsPath };
        return initialize(config, { plan, entity: entities.get(plan.name)!, superior });
      }),
    );

    next("starting the sign-in service");
    const provider = await startSignIn(dataDirectory, { port: portBase + DEMO_NODES.length, entities });
    if (provider) closers.unshift(() => provider.stop());
    else onProgress("nobody can sign in on pages: the package oidc-provider is not installed (npm install brings it)");

    next(`starting ${DEMO_NODES.length} processes`);
    const starts = await Promise.allSettled(DEMO_NODES.map(({ name }) => start(name)));
    const refused = starts.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (refused) throw refused.reason;

    next("publishing definitions; the state and the departments enrol with their superiors");
    const parties = await furnish(config, servers, entities);
    return {
      parties,
      pins,
      anchorsPath,
      issuer: provider?.issuer,
      operate: (names, use) => operate(config, names, use),
      command: (name, args) => runCommand([...args, "--data", dataDirectory, "--node", name]),
      async restart(name) {
        await servers.get(name)?.stop();
        await start(name);
      },
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
