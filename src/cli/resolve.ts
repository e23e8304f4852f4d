// `attestry resolve`: follows references across nodes and verifies every record, through a node or on its own with pinned anchors.
import { Command, Option } from "commander";
import { readBearerToken } from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { randomBytes } from "../crypto/random.ts";
import { AttestryError } from "../errors.ts";
import { parseAnchorPins } from "../federation/anchor-pins.ts";
import { STATUS_LIST_SECONDS } from "../limits.ts";
import { currentSeconds } from "../node.ts";
import { parseReference, type Reference } from "../records/record-url.ts";
import { type FollowPath, parseFollowPaths } from "../resolution/follow-paths.ts";
import { createHomeNodeClient } from "../resolution/home-node-client.ts";
import { createResolutionService, type Resolution, type ResolvedRecord } from "../resolution/resolution-service.ts";
import { createVerifier } from "../verification/verifier.ts";
import { readInputJson } from "./input-file.ts";
import { createNodeClient } from "./node-client.ts";
import { EXIT, printable, printResult } from "./terminal.ts";
import { createTrustedHomes } from "./trusted-homes.ts";

interface ResolveOptions {
  readonly follow: string[];
  readonly via?: string;
  readonly anchors?: string;
  readonly development?: boolean;
  readonly tokenFile?: string;
  readonly purpose?: string;
  readonly consent: string[];
  readonly case?: string;
  readonly field: string[];
  readonly requestId?: string;
  readonly json?: boolean;
}

function readReference(text: string): Reference {
  const reference = parseReference(text);
  if (!reference)
    throw new AttestryError(
      "request_invalid",
      `"${printable(text.slice(0, 200))}" is not the URL of a record (…/registries/NAME/records/RID)`,
    );
  return reference;
}

/** For what personal records are read, as the API takes it; undefined where nothing is said of it. */
function readAccess({ purpose, consent, case: matter, field, requestId, via }: ResolveOptions): JsonObject | undefined {
  const isSaid = consent.length > 0 || field.length > 0 || matter !== undefined || requestId !== undefined;
  if (purpose === undefined && !isSaid) return undefined;
  if (purpose === undefined || via === undefined)
    throw new AttestryError(
      "request_invalid",
      "personal records are read for a purpose and through a node, which signs for it: give --purpose and --via",
    );
  return {
    purpose,
    ...(consent.length > 0 && { consents: consent }),
    ...(field.length > 0 && { fields: field }),
    ...(matter !== undefined && { case: matter }),
    // With a number of its own it can be sent again, and uses nothing up twice.
    request_id: requestId ?? encodeBase64url(randomBytes(16)),
  };
}

async function resolveVia(
  node: string,
  options: {
    references: Reference[];
    follow: FollowPath[];
    access: JsonObject | undefined;
    token: string | undefined;
  },
): Promise<Resolution> {
  const client = createNodeClient({ baseUrl: node, token: options.token });
  const body = {
    references: options.references.map(({ href }) => href),
    follow: options.follow.map((path) => [...path]),
    ...(options.access && { access: options.access }),
  };
  const answer: Json = parseJson(
    await client.send({
      method: "POST",
      path: "/resolve",
      body: JSON.stringify(body),
      contentType: "application/json",
      isRepeatable: true,
    }),
  );
  return answer as unknown as Resolution;
}

/** Without a node: the pinned anchors alone decide whom to believe. */
async function resolveHere(options: {
  references: Reference[];
  follow: FollowPath[];
  anchorsPath: string;
  development: boolean;
}): Promise<Resolution> {
  const anchors = parseAnchorPins(readInputJson(options.anchorsPath, "config_invalid"));
  const homes = createTrustedHomes(anchors, { development: options.development, allowedPrivateHosts: [] });
  const resolution = createResolutionService({
    ownEntity: undefined,
    askHome: homes.askHome,
    readHome: createHomeNodeClient(homes.httpClient),
    readOwn: () => Promise.reject(new Error("a resolver without a node has no records of its own")),
    verifier: createVerifier({ anchors, statusMaxAgeSeconds: STATUS_LIST_SECONDS }),
    clock: currentSeconds,
  });
  try {
    return await resolution.resolve({ references: options.references, follow: options.follow, outgoing: true });
  } finally {
    homes.close();
  }
}

function describeRecord(key: string, resolution: Resolution, indent: string, field?: string): string[] {
  const record: ResolvedRecord = resolution.records[key]!;
  const label = field === undefined ? "" : `${field} → `;
  if (record.outcome !== "verified")
    return [
      `${indent}✗ ${label}${record.href}`,
      `${indent}    ${record.outcome}: ${record.message ?? ""}`,
      ...(record.fields ? [`${indent}    consent may be asked for: ${record.fields.join(", ")}`] : []),
      ...(record.paths ?? []).map(({ field, message }) => `${indent}      ${field}: ${message}`),
    ];
  const open = (record.checks ?? []).filter(({ result }) => result === "not_checked").map(({ check }) => check);
  return [
    `${indent}✓ ${label}${record.type} ${record.identifier ?? ""} version ${record.version}, signed by ${record.issuer}, anchor ${record.anchor}`,
    `${indent}    ${JSON.stringify(record.data)}`,
    `${indent}    verified${open.length > 0 ? `; not checked: ${open.join(", ")}` : ""}`,
    ...Object.entries(record.links ?? {}).flatMap(([name, keys]) =>
      keys.flatMap((linked) => describeRecord(linked, resolution, `${indent}  `, name)),
    ),
  ];
}

async function resolve(urls: string[], options: ResolveOptions): Promise<void> {
  const references = urls.map(readReference);
  const follow = parseFollowPaths(options.follow.map((path) => path.split(",").map((field) => field.trim())));
  if ((options.via === undefined) === (options.anchors === undefined)) {
    throw new AttestryError(
      "request_invalid",
      "say who verifies: --via NODE_URL (a node of yours, with a token) or --anchors FILE (this command, with your pinned anchors)",
    );
  }
  const access = readAccess(options);
  const resolution =
    options.via === undefined
      ? await resolveHere({
          references,
          follow,
          anchorsPath: options.anchors!,
          development: options.development ?? false,
        })
      : await resolveVia(options.via, { references, follow, access, token: readBearerToken(options.tokenFile) });
  const records = Object.values(resolution.records);
  const verified = records.filter(({ outcome }) => outcome === "verified").length;
  const lines = resolution.references.flatMap(({ record }) => describeRecord(record, resolution, "").map(printable));
  printResult({
    json: options.json,
    value: resolution,
    lines: [...lines, `${verified} of ${records.length} records verified`],
  });
  if (verified < records.length) process.exitCode = EXIT.incomplete;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

export function resolveCommand(): Command {
  return new Command("resolve")
    .description("resolve references across nodes and verify every record; exit code 2 if any is not verified")
    .argument("<url...>", "URLs of records")
    .addOption(
      new Option(
        "--follow <fields>",
        "fields to follow from record to record, parted by commas (district,state); repeatable",
      )
        .argParser((value: string, all: string[]) => [...all, value])
        .default([], "none"),
    )
    .option("--via <url>", "let this node resolve and verify; needs a bearer token of it for records of other nodes")
    .option("--anchors <file>", "resolve and verify here, believing only these pinned anchors")
    .option("--development", "with --anchors: allow http on loopback")
    .option("--token-file <file>", "file with the bearer token for --via (default: $ATTESTRY_TOKEN)")
    .option("--purpose <code>", "with --via: for what personal records are read")
    .addOption(
      new Option("--consent <url>", "with --purpose: a consent to read by; repeatable")
        .argParser(collect)
        .default([], "none"),
    )
    .addOption(
      new Option("--field <name>", "with --purpose: a field to read, all that is allowed unless given; repeatable")
        .argParser(collect)
        .default([], "all"),
    )
    .option("--case <number>", "with --purpose: your number of the matter; the person sees it")
    .option("--request-id <id>", "with --purpose: your number of the reading; the same again uses nothing up twice")
    .option("--json", "print one JSON object")
    .action((urls: string[], options: ResolveOptions) => resolve(urls, options));
}
