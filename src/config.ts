// The only reader of process.env and of a node's config file. Gives Config; Secrets are apart, so that logging a Config leaks nothing.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { AttestryError } from "./errors.ts";
import { KEPT_REPORT_DAYS_DEFAULT } from "./limits.ts";
import { createSchemaValidator } from "./schema-validator.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What holds for the whole process, from the environment. The table in README is the manual. */
export interface ProcessConfig {
  readonly dataDirectory: string;
  readonly databaseUrl: string | undefined;
  readonly databasePort: number | undefined;
  readonly logLevel: LogLevel;
}

/** What holds for one node, from `<data>/nodes/<name>/config.json`. */
export interface NodeConfig {
  readonly name: string;
  readonly directory: string;
  readonly entity: string;
  /** What the node was called before it moved, oldest first: its records, definitions and log keep the oldest name. */
  readonly formerly: readonly string[];
  readonly basePath: string;
  readonly organizationName: string;
  readonly contacts: readonly string[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly database: string;
  readonly superiors: readonly string[];
  readonly anchorsPath: string | undefined;
  /** As an anchor: which trust marks it recognises, in the form of its configuration's claims. */
  readonly trustMarkIssuers: Readonly<Record<string, unknown>> | undefined;
  readonly trustMarkOwners: Readonly<Record<string, unknown>> | undefined;
  /** The type of trust mark that lets pages of its holders ask here for citizens; undefined where none does. */
  readonly citizenPortalMark: string | undefined;
  readonly development: boolean;
  /** Whether it keeps no registries, and checks the records of others only. */
  readonly isConsumer: boolean;
  /** For how many days reports of checks are kept. */
  readonly keptReportDays: number;
  /** For how many days backups are kept, as its operators say; undefined: nobody said. */
  readonly backupKeepDays: number | undefined;
  readonly allowedPrivateHosts: readonly string[];
  /** Whether it asks the federation by itself who belongs to it, again and again. */
  readonly keepsDirectory: boolean;
  /** Where people who want it are told of requests and readings, by the department's own message gateways. */
  readonly notifications: readonly NotificationGateway[];
  /** By whom staff and citizens sign in; none where staff have this node's own tokens only. */
  readonly signInIssuers: readonly SignInIssuer[];
}

/** An OpenID provider that says who people are, and what its groups mean here. */
export interface SignInIssuer {
  readonly issuer: string;
  /** What its access tokens must be for; the node's entity identifier where the config says nothing else. */
  readonly audience: string;
  /** `typ` of its access tokens. */
  readonly tokenType: "at+jwt" | "JWT";
  readonly algorithms: readonly JwtAlgorithm[];
  /** The claim that names a person's groups: its name, or a JSON Pointer; undefined where no staff sign in by it. */
  readonly rolesClaim: string | undefined;
  /** What each group means. */
  readonly roles: readonly {
    readonly value: string;
    readonly role: StaffRole;
    readonly registries: readonly string[] | undefined;
  }[];
  /** The claim that names the registries that a person may do anything in; undefined where there is none. */
  readonly registriesClaim: string | undefined;
  /** For pages: what the node is called at the issuer; undefined where people sign in for the API only. */
  readonly client: { readonly id: string; readonly secretPath: string | undefined } | undefined;
  /** What the page /me/elsewhere is called at the issuer, a public client; undefined where nobody asks other departments from here by it. */
  readonly browserClientId: string | undefined;
  /** What people call the issuer. */
  readonly title: string | undefined;
  readonly nameClaim: string;
  /** What binds a person to a part of the records: by its name here, the claim that says it. */
  readonly jurisdictionClaims: Readonly<Record<string, string>>;
  /** By what citizens are found in records: by its name here, the claim that says it; undefined where no citizens sign in by it. */
  readonly citizenClaims: Readonly<Record<string, string>> | undefined;
}

/** As the config file has it. */
interface SignInIssuerFile {
  readonly issuer: string;
  readonly audience?: string;
  readonly token_type?: "at+jwt" | "JWT";
  readonly algorithms?: readonly JwtAlgorithm[];
  readonly roles_claim?: string;
  readonly roles?: readonly {
    readonly value: string;
    readonly role: StaffRole;
    readonly registries?: readonly string[];
  }[];
  readonly registries_claim?: string;
  readonly client?: { readonly id: string; readonly secret_file?: string };
  readonly browser_client_id?: string;
  readonly title?: string;
  readonly name_claim?: string;
  readonly jurisdiction_claims?: Readonly<Record<string, string>>;
  readonly citizen_claims?: readonly string[] | Readonly<Record<string, string>>;
}

/** What a gateway may be told of. */
export const NOTIFICATION_EVENTS = [
  "consent_requested",
  "consent_changed",
  "reading",
  "question_answered",
  "erased",
] as const;

export interface NotificationGateway {
  readonly url: string;
  readonly events: readonly (typeof NOTIFICATION_EVENTS)[number][];
}

export const STAFF_ROLES = ["registrar", "approver", "reader", "auditor", "operator"] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];

/** RFC 8725 §3.1 and §3.2: none is symmetric, none is "none"; both names of Ed25519 mean the same (RFC 9864). */
export const SIGN_IN_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] as const;
export type JwtAlgorithm = (typeof SIGN_IN_ALGORITHMS)[number];

/** What the config file holds, as `attestry init` writes it. */
export interface NodeConfigFile {
  readonly entity: string;
  readonly formerly?: readonly string[];
  readonly organization_name: string;
  readonly contacts?: readonly string[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly database: string;
  readonly superiors?: readonly string[];
  readonly anchors?: string;
  readonly trust_mark_issuers?: Readonly<Record<string, unknown>>;
  readonly trust_mark_owners?: Readonly<Record<string, unknown>>;
  readonly citizen_portal_mark?: string;
  readonly development?: boolean;
  readonly allowed_private_hosts?: readonly string[];
  readonly directory?: boolean;
  readonly consumer?: boolean;
  readonly kept_report_days?: number;
  readonly backups?: { readonly keep_days: number };
  readonly sign_in?: { readonly issuers: readonly SignInIssuerFile[] };
  readonly notifications?: readonly NotificationGateway[];
}

export interface ProcessOverrides {
  readonly data?: string | undefined;
  readonly logLevel?: string | undefined;
  /** Where neither the command line nor the environment says: short commands are quieter than a server. */
  readonly logLevelDefault?: LogLevel;
}

const NODE_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const configFileValidator = createSchemaValidator<NodeConfigFile>("node-config");

function invalid(message: string): AttestryError {
  return new AttestryError("config_invalid", message);
}

/** Reads the environment; command-line values win. Throws `config_invalid` naming the variable. */
export function readProcessConfig(
  overrides: ProcessOverrides = {},
  env: NodeJS.ProcessEnv = process.env,
): ProcessConfig {
  const level = overrides.logLevel ?? env.ATTESTRY_LOG_LEVEL ?? overrides.logLevelDefault ?? "warn";
  if (!LOG_LEVELS.includes(level as LogLevel)) {
    throw invalid(`ATTESTRY_LOG_LEVEL is "${level}"; allowed: ${LOG_LEVELS.join(", ")}`);
  }
  const port = env.ATTESTRY_DATABASE_PORT;
  if (port !== undefined && !(/^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535))
    throw invalid(`ATTESTRY_DATABASE_PORT is "${port}"; it must be a port number`);
  const databaseUrl = env.DATABASE_URL || undefined;
  if (databaseUrl !== undefined && port !== undefined) {
    throw invalid("DATABASE_URL selects a server and ATTESTRY_DATABASE_PORT the embedded one; set only one of them");
  }
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw invalid("DATABASE_URL must start with postgres:// or postgresql://");
  }
  return {
    dataDirectory: resolve(overrides.data ?? env.ATTESTRY_DATA ?? ".attestry"),
    databaseUrl,
    databasePort: port === undefined ? undefined : Number(port),
    logLevel: level as LogLevel,
  };
}

/** The bearer token a command line sends, from ATTESTRY_TOKEN or a file: never from an argument, which every process list shows. */
export function readBearerToken(
  tokenFile: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (tokenFile !== undefined && !existsSync(tokenFile))
    throw invalid(`--token-file names ${tokenFile}, which does not exist`);
  if (tokenFile !== undefined) return readFileSync(tokenFile, "utf8").trim();
  return env.ATTESTRY_TOKEN || undefined;
}

/** The passphrase that the environment gives, itself or by naming its file. */
export function readEnvironmentPassphrase(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { ATTESTRY_PASSPHRASE: passphrase, ATTESTRY_PASSPHRASE_FILE: file } = env;
  if (passphrase !== undefined && file !== undefined) {
    throw invalid("ATTESTRY_PASSPHRASE and ATTESTRY_PASSPHRASE_FILE are both set; set only one of them");
  }
  if (file !== undefined && !existsSync(file))
    throw invalid(`ATTESTRY_PASSPHRASE_FILE names ${file}, which does not exist`);
  return file === undefined ? passphrase : readFileSync(file, "utf8").trim();
}

/** The passphrase that unlocks a node's keys: from the environment, or the node's own unlock file. */
export function readPassphrase(nodeDirectory: string, env: NodeJS.ProcessEnv = process.env): string {
  const given = readEnvironmentPassphrase(env);
  if (given !== undefined) return given;
  const file = join(nodeDirectory, "unlock");
  if (!existsSync(file)) {
    throw invalid(
      `the keys in ${nodeDirectory} are locked: set ATTESTRY_PASSPHRASE_FILE (or ATTESTRY_PASSPHRASE), or put the passphrase of the recovery kit into ${file}`,
    );
  }
  return readFileSync(file, "utf8").trim();
}

/** What another's settings would be for the nodes of the demo, which have a data directory, keys and a database of their own. */
const FOREIGN_TO_DEMO = [
  "ATTESTRY_TOKEN",
  "ATTESTRY_DATA",
  "ATTESTRY_PASSPHRASE",
  "ATTESTRY_PASSPHRASE_FILE",
  "DATABASE_URL",
] as const;

/** The process settings of the demo: the embedded database, whatever the environment says. Throws `config_invalid`. */
export function readDemoConfig(dataDirectory: string, env: NodeJS.ProcessEnv = process.env): ProcessConfig {
  for (const name of ["ATTESTRY_PASSPHRASE", "ATTESTRY_PASSPHRASE_FILE"]) {
    if (env[name] !== undefined) throw invalid(`${name} is set; the demo makes keys of its own: unset it`);
  }
  return readProcessConfig({ data: dataDirectory }, demoEnvironment(env));
}

/** The environment that the node processes of the demo inherit. */
export function demoEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !FOREIGN_TO_DEMO.some((other) => other === name)));
}

/** The database a node uses. A URL that names a database serves one node only. */
export function databaseUrlFor(databaseUrl: string, options: { database: string; nodeCount: number }): string {
  const url = new URL(databaseUrl);
  const named = url.pathname.replace(/^\//, "");
  if (named !== "" && options.nodeCount > 1) {
    throw invalid(
      `DATABASE_URL names the database "${named}", but ${options.nodeCount} nodes are served and each needs its own; leave the name out`,
    );
  }
  if (named === "") url.pathname = `/${options.database}`;
  return url.href;
}

export function nodeDirectory(dataDirectory: string, name: string): string {
  if (!NODE_NAME.test(name))
    throw invalid(`node name "${name}" must be lower-case letters, digits and "-", starting with a letter, at most 32`);
  return join(dataDirectory, "nodes", name);
}

/** Names of the nodes in a data directory, sorted. */
export function listNodeNames(dataDirectory: string): string[] {
  const directory = join(dataDirectory, "nodes");
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => NODE_NAME.test(name) && existsSync(join(directory, name, "config.json")))
    .sort();
}

/** The node meant by a command: the named one, or the only one there is. */
export function chooseNodeName(dataDirectory: string, name: string | undefined): string {
  const names = listNodeNames(dataDirectory);
  if (name !== undefined) {
    if (names.includes(name)) return name;
    throw new AttestryError(
      "node_unknown",
      `${dataDirectory} holds no node "${name}"; it holds: ${names.join(", ") || "none"}`,
    );
  }
  if (names.length === 1) return names[0]!;
  throw new AttestryError(
    "node_unknown",
    names.length === 0
      ? `${dataDirectory} holds no node; make one with: attestry init --data ${dataDirectory} --entity URL --organization NAME`
      : `${dataDirectory} holds several nodes (${names.join(", ")}); choose one with --node NAME`,
  );
}

/** Checks a config file's content; throws `config_invalid` with every contradiction found. */
export function parseNodeConfig(options: { name: string; directory: string; file: unknown }): NodeConfig {
  const { name, directory, file } = options;
  const path = join(directory, "config.json");
  const validate = configFileValidator();
  if (!validate(file)) {
    const problems = (validate.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
    throw invalid(`${path}: ${problems.join("; ")}`);
  }
  if (!URL.canParse(file.entity)) throw invalid(`${path}: "entity" must be a URL`);
  const entity = new URL(file.entity);
  const development = file.development ?? false;
  const superiors = file.superiors ?? [];
  if (entity.protocol === "http:" && !development) {
    throw invalid(`${path}: an http entity is for loopback in development; use https, or set "development": true`);
  }
  if (superiors.includes(file.entity)) throw invalid(`${path}: "superiors" names the node itself`);
  if (superiors.length > 0 && file.anchors === undefined) {
    throw invalid(
      `${path}: a node with "superiors" needs "anchors", the file that pins its trust anchors; without a pin it believes nobody`,
    );
  }
  const anchorsPath = file.anchors === undefined ? undefined : resolve(directory, file.anchors);
  if (anchorsPath !== undefined && !existsSync(anchorsPath))
    throw invalid(`${path}: "anchors" names ${anchorsPath}, which does not exist`);
  return {
    name,
    directory,
    entity: file.entity,
    formerly: file.formerly ?? [],
    basePath: entity.pathname.replace(/\/$/, ""),
    organizationName: file.organization_name,
    contacts: file.contacts ?? [],
    listen: file.listen,
    database: file.database,
    superiors,
    anchorsPath,
    trustMarkIssuers: file.trust_mark_issuers,
    trustMarkOwners: file.trust_mark_owners,
    citizenPortalMark: file.citizen_portal_mark,
    development,
    isConsumer: file.consumer ?? false,
    keptReportDays: file.kept_report_days ?? KEPT_REPORT_DAYS_DEFAULT,
    backupKeepDays: file.backups?.keep_days,
    allowedPrivateHosts: file.allowed_private_hosts ?? [],
    // Ten thousand departments need not ask each other: an anchor keeps one, and whoever is told to.
    keepsDirectory: file.directory ?? (superiors.length === 0 && !file.consumer),
    notifications: parseNotifications(file, path),
    signInIssuers: parseSignInIssuers(file, directory),
  };
}

function parseNotifications({ notifications = [], development }: NodeConfigFile, path: string): NotificationGateway[] {
  const urls = notifications.map(({ url: text }) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isLoopback = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
    const isSpoken = url?.protocol === "https:" || (development === true && url?.protocol === "http:" && isLoopback);
    if (!url || !isSpoken || url.hash !== "" || url.username !== "" || url.password !== "")
      throw invalid(
        `${path}: "${text}" in "notifications" must be an https URL without user and fragment; http is for loopback in development`,
      );
    return url.href;
  });
  const twice = urls.find((url, at) => urls.indexOf(url) !== at);
  if (twice !== undefined) throw invalid(`${path}: "notifications" has "${twice}" twice; name its events in one place`);
  return notifications.map(({ events }, at) => ({ url: urls[at]!, events }));
}

function parseSignInIssuers({ entity, development, sign_in }: NodeConfigFile, directory: string): SignInIssuer[] {
  const path = join(directory, "config.json");
  const issuers = sign_in?.issuers ?? [];
  for (const { issuer, client, browser_client_id, audience = entity } of issuers) {
    const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
    // OpenID Connect Discovery §3: no query, no fragment; http is for loopback in development.
    const isHttp = url?.protocol === "https:" || (development === true && url?.protocol === "http:");
    if (!url || !isHttp || /[?#]/.test(issuer))
      throw invalid(`${path}: "${issuer}" in "sign_in" must be an https URL without query and fragment`);
    if (issuers.filter((one) => one.issuer === issuer).length > 1)
      throw invalid(`${path}: "sign_in" has the issuer "${issuer}" twice`);
    // Else an ID token, which every page of the issuer may get, could pass for an access token.
    if (client?.id === audience)
      throw invalid(`${path}: "audience" of "${issuer}" must be another than the id of its client`);
    if (browser_client_id !== undefined && [entity, audience, client?.id].includes(browser_client_id))
      throw invalid(`${path}: "browser_client_id" of "${issuer}" must be the id of a client of its own`);
  }
  return issuers.map((one) => ({
    issuer: one.issuer,
    audience: one.audience ?? entity,
    tokenType: one.token_type ?? "at+jwt",
    algorithms: one.algorithms ?? SIGN_IN_ALGORITHMS,
    rolesClaim: one.roles_claim,
    roles: (one.roles ?? []).map(({ value, role, registries }) => ({ value, role, registries })),
    registriesClaim: one.registries_claim,
    client: one.client && {
      id: one.client.id,
      secretPath: one.client.secret_file === undefined ? undefined : resolve(directory, one.client.secret_file),
    },
    browserClientId: one.browser_client_id,
    title: one.title,
    nameClaim: one.name_claim ?? "name",
    jurisdictionClaims: one.jurisdiction_claims ?? {},
    citizenClaims: parseCitizenClaims(one.citizen_claims),
  }));
}

/** A list names claims that are called the same there. */
function parseCitizenClaims(claims: SignInIssuerFile["citizen_claims"]): SignInIssuer["citizenClaims"] {
  return Array.isArray(claims)
    ? Object.fromEntries((claims as readonly string[]).map((name) => [name, name]))
    : (claims as Readonly<Record<string, string>> | undefined);
}

/** Reads `<data>/nodes/<name>/config.json`. */
export function readNodeConfig(dataDirectory: string, name: string): NodeConfig {
  const directory = nodeDirectory(dataDirectory, name);
  const path = join(directory, "config.json");
  if (!existsSync(path)) throw new AttestryError("node_unknown", `${path} does not exist`);
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new AttestryError("config_invalid", `${path} is not JSON`, { cause });
  }
  return parseNodeConfig({ name, directory, file });
}

/** A secret in a file of its own; throws `config_invalid` where the file is missing or others can read it. */
export function readSecretFile(path: string): string {
  if (!existsSync(path)) throw invalid(`${path} does not exist`);
  checkPrivateFile(path);
  return readFileSync(path, "utf8").trim();
}

/** A file that only its owner may read; throws `config_invalid` where others can. */
export function checkPrivateFile(path: string): void {
  if (process.platform === "win32") return;
  const mode = statSync(path).mode & 0o077;
  if (mode !== 0)
    throw invalid(
      `${path} can be read by others (mode ${(statSync(path).mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
    );
}
