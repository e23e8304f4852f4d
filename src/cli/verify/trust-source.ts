// Whom a verifying command trusts, found before any evidence is read: a policy file, a file of pins, or a node's own anchors. Asks nobody.
import { existsSync } from "node:fs";
import { AttestryError } from "../../errors.ts";
import type { Reach } from "../../federation/peer-address.ts";
import { STATUS_LIST_SECONDS } from "../../limits.ts";
import type { VerifierPolicy } from "../../verification/policy.ts";
import { parseVerifierPolicy } from "../../verification/policy-file.ts";
import { readInputJson } from "../input-file.ts";

export interface TrustOptions {
  readonly policy?: string;
  readonly anchors?: string;
  readonly data?: string;
  readonly node?: string;
  readonly development?: boolean;
  readonly privateHost?: readonly string[];
  readonly reader?: string;
}

export interface TrustSource {
  readonly policy: VerifierPolicy;
  /** Where it comes from, for people. */
  readonly description: string;
  /** Which addresses may be asked for what is missing. */
  readonly reach: Reach;
  /** As whom it is judged: the one that was named, else the node whose anchors these are. */
  readonly reader: string | undefined;
}

const HOW_TO =
  "give --policy FILE (a verifier's policy; a node hands out its own: curl NODE_URL/verify/policy > policy.json), --anchors FILE (a node's anchors file), or --data DIRECTORY of a node of yours; docs/verification.md shows how to write one";

function withAnchors(anchors: unknown): VerifierPolicy {
  return parseVerifierPolicy({ anchors, statusMaxAgeSeconds: STATUS_LIST_SECONDS });
}

async function readNodeTrust(options: TrustOptions): Promise<TrustSource> {
  // Only here, so that whoever brings a policy waits for no node to load.
  const { chooseNodeName, listNodeNames, readNodeConfig, readProcessConfig } = await import("../../config.ts");
  const { readAnchors } = await import("../../node.ts");
  const { dataDirectory } = readProcessConfig({ data: options.data });
  if (options.data === undefined && options.node === undefined && listNodeNames(dataDirectory).length === 0)
    throw new AttestryError("config_invalid", `nothing says whom to trust: ${HOW_TO}`);
  const config = readNodeConfig(dataDirectory, chooseNodeName(dataDirectory, options.node));
  const anchors = readAnchors(config);
  if (anchors.length === 0)
    throw new AttestryError(
      "config_invalid",
      `the node "${config.name}" in ${dataDirectory} pins no anchors: ${HOW_TO}`,
    );
  return {
    policy: withAnchors(anchors),
    description: `the anchors of the node "${config.name}"`,
    reader: options.reader ?? config.entity,
    reach: {
      development: config.development,
      allowedPrivateHosts: [...config.allowedPrivateHosts, ...(options.privateHost ?? [])],
    },
  };
}

/** Throws `config_invalid`, `verifier_policy_invalid`, `json_*`, `node_unknown`. */
export async function readTrust(options: TrustOptions): Promise<TrustSource> {
  const { policy, anchors } = options;
  if (policy !== undefined && anchors !== undefined)
    throw new AttestryError("config_invalid", "--policy and --anchors both say whom to trust; give one of them");
  if (policy === undefined && anchors === undefined) return readNodeTrust(options);
  const file = policy ?? anchors!;
  if (policy !== undefined && !existsSync(policy) && policy !== "-")
    throw new AttestryError("config_invalid", `--policy names ${policy}, which does not exist`);
  const value = readInputJson(file, "config_invalid");
  return {
    policy: policy === undefined ? withAnchors(value) : parseVerifierPolicy(value),
    description: file,
    reader: options.reader,
    reach: { development: options.development === true, allowedPrivateHosts: options.privateHost ?? [] },
  };
}
