// `attestry keys report`: somebody else may hold a key, since when; it is replaced at once.
import { encodeBase64urlText } from "../crypto/base64.ts";
import { currentKey, reportKey } from "../crypto/key-ring.ts";
import { AttestryError } from "../errors.ts";
import { currentSeconds, readSecrets } from "../node.ts";
import { countVersionsSigned } from "../records/signed-by-store.ts";
import { KEY_ROLES, type KeyRole } from "../secrets.ts";
import type { NodeOptions } from "./federation-node.ts";
import { changeKeyFile } from "./key-file-change.ts";
import { BACKUP, isoTime, keptOf, logEvents, openKeys, setRing, writeAnchorPin } from "./keys-change.ts";
import { formatCount, printResult } from "./terminal.ts";

function parseSince(text: string): number {
  const milliseconds = Date.parse(text);
  // Without a zone the time would be whatever the machine's is.
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(milliseconds))
    throw new AttestryError(
      "request_invalid",
      `--compromised-since is "${text}"; it must be a time with its zone, such as 2026-11-27T08:00:00Z`,
    );
  return Math.floor(milliseconds / 1_000);
}

/** The first part of every record token that the key signed, as signJws writes it. */
function tokenHeader(kid: string): string {
  return encodeBase64urlText(JSON.stringify({ alg: "Ed25519", typ: "dc+sd-jwt", kid }));
}

export async function reportStolenKey(
  kid: string,
  options: NodeOptions & { readonly compromisedSince: string },
): Promise<void> {
  const since = parseSince(options.compromisedSince);
  const opened = openKeys(options);
  const { rings } = await readSecrets(opened.config);
  const role = KEY_ROLES.find((one) => rings[one].some(({ publicKey }) => publicKey.kid === kid));
  if (role === undefined)
    throw new AttestryError("key_unknown", `this node has no key "${kid.slice(0, 60)}"; see: attestry keys list`);
  if (role === "witness")
    throw new AttestryError(
      "request_invalid",
      "tell those who count on the witness key; it is in no statement of ours",
    );
  // Before the key is changed: what the log gets from now on is later in any case.
  const logSize = role === "record" ? await opened.withNode((node) => node.reader.sizeBefore(since)) : undefined;
  const now = currentSeconds();
  const secrets = await changeKeyFile(opened.config, (before) => {
    const reported = { since, reportedAt: now, ...(logSize !== undefined && { logSize }) };
    return setRing(before, role, reportKey(before[role], { kid, report: reported, ...keptOf(role) }));
  });
  const current = currentKey(secrets.rings[role], currentSeconds()).publicKey.kid;
  if (role === "federation") writeAnchorPin(opened.config, secrets);
  const { logged, lines } = await logEvents(opened);
  const refused =
    logSize === undefined || !logged
      ? undefined
      : await opened.withNode((_node, database) =>
          countVersionsSigned(database, { header: tokenHeader(kid), from: logSize }),
        );
  printResult({
    json: options.json,
    value: {
      role,
      kid,
      compromised_since: isoTime(since),
      ...(logSize !== undefined && { log_size: logSize, versions_refused: refused ?? null }),
      current,
      logged,
    },
    lines: [
      `The ${role} key ${kid} is reported as compromised since ${isoTime(since)}. The ${role} key is now ${current}.`,
      ...sayWhatReportCosts(role, { logSize, refused }),
      ...lines,
      "Restart the node now: until then it goes on as before.",
      "Nodes that hold an older statement of this one learn of it when that ends, within an hour.",
      BACKUP,
    ],
  });
}

function sayWhatReportCosts(
  role: KeyRole,
  { logSize, refused }: { logSize: number | undefined; refused: number | undefined },
): string[] {
  if (role === "federation")
    return [
      "Superiors know only the old key: tell them at once to suspend this node, restart it, apply again (attestry federation join) and have them accept it with --replace-key.",
    ];
  if (logSize === undefined) return [];
  return [
    `What the log had among its first ${formatCount(logSize)} entries keeps verifying; whatever the key signed later is refused everywhere, whatever date it claims.`,
    ...(refused === undefined
      ? []
      : refused > 0
        ? [
            `${formatCount(refused)} versions of this node's own are among the refused: issue those records anew by amending them; a patch of {"data": {}} changes nothing else.`,
          ]
        : ["None of this node's own versions is among the refused."]),
  ];
}
