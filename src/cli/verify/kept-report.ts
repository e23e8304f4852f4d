// The signed report that an agency keeps of a verification (`--report`): without content, by its node's key or one of its own. Judges nothing.
import { createPrivateKey } from "node:crypto";
import { currentSeconds } from "../../clock.ts";
import { ED25519_KEY_BYTES } from "../../crypto/ed25519.ts";
import { signJws } from "../../crypto/jws.ts";
import { createSigner, type Signer } from "../../crypto/signer.ts";
import { AttestryError } from "../../errors.ts";
import type { VerifierPolicy } from "../../verification/policy.ts";
import { buildReportPayload, SIGNED_REPORT_TYPE } from "../../verification/signed-report.ts";
import { readInputText } from "../input-file.ts";
import type { RecordCheck } from "./record-check.ts";

export interface ReportKeyOptions {
  readonly data?: string;
  readonly node?: string;
  readonly reportKey?: string;
  readonly verifier?: string;
}

export interface ReportSigner {
  readonly signer: Signer;
  /** Who says so: an entity identifier or another URL. */
  readonly verifier: string;
}

const HOW_TO_KEY = "make one for nothing else with: openssl genpkey -algorithm ed25519 -out report-key.pem";

/** RFC 8410 §7: the private key is what its PKCS #8 ends with. */
function readKeyFile(path: string): Signer {
  const text = readInputText(path, "key_invalid");
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is of type ${key.asymmetricKeyType}`);
    return createSigner(key.export({ format: "der", type: "pkcs8" }).subarray(-ED25519_KEY_BYTES));
  } catch (cause) {
    throw new AttestryError("key_invalid", `${path} holds no unencrypted Ed25519 private key (PEM); ${HOW_TO_KEY}`, {
      cause,
    });
  }
}

/** The key of a file, or the request key of a node of one's own. Throws `config_invalid`, `key_invalid`, `node_unknown`, `passphrase_wrong`. */
export async function readReportSigner(options: ReportKeyOptions): Promise<ReportSigner> {
  const { reportKey, verifier } = options;
  if (reportKey === undefined) {
    // Only here, so that whoever verifies without a node waits for none to load.
    const { chooseNodeName, readNodeConfig, readProcessConfig } = await import("../../config.ts");
    const { dataDirectory } = readProcessConfig({ data: options.data });
    const config = readNodeConfig(dataDirectory, chooseNodeName(dataDirectory, options.node));
    const { readSecrets } = await import("../../node.ts");
    return { signer: (await readSecrets(config)).signers.request, verifier: config.entity };
  }
  if (verifier === undefined || !URL.canParse(verifier))
    throw new AttestryError("config_invalid", "a report by --report-key needs --verifier URL: who it is that verified");
  return { signer: readKeyFile(reportKey), verifier };
}

/** Times in Unix seconds. */
export function signKeptReport(
  { report, judgedText }: RecordCheck,
  options: ReportSigner & { readonly policy: VerifierPolicy; readonly judgedAt: number },
): Promise<string> {
  const { signer, policy, verifier, judgedAt } = options;
  const payload = buildReportPayload({
    report,
    policy,
    evidenceText: judgedText,
    verifier,
    judgedAt,
    signedAt: currentSeconds(),
  });
  return signJws({ signer, typ: SIGNED_REPORT_TYPE, payload });
}
