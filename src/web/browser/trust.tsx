// Who is trusted here, in full: the anchors of the policy with the fingerprints of their keys. Decides nothing.
import type { FC } from "hono/jsx";
import { parseKeySet } from "../../crypto/keys.ts";
import type { AnchorPin } from "../../federation/trust-chain.ts";
import { requiredBy, type VerifierPolicy } from "../../verification/policy.ts";
import { Instant, type PageFrame } from "../markup.tsx";
import { formatNumber } from "../reader-language.ts";
import { CHECK_TITLES } from "./answer-view.ts";

function fingerprints({ jwks }: AnchorPin): string[] {
  return parseKeySet(jwks).map(({ kid }) => kid);
}

function describeSeconds(seconds: number, frame: PageFrame): string {
  const [value, unit] = seconds % 86_400 === 0 ? [seconds / 86_400, "day"] : [seconds / 60, "minute"];
  return new Intl.NumberFormat(frame.reader.locale, {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: 1,
  }).format(value);
}

const Anchor: FC<{ anchor: AnchorPin; frame: PageFrame }> = ({ anchor, frame }) => (
  <li>
    <p>
      <code>{anchor.entity}</code>
    </p>
    <dl class="facts">
      <dt>Kinds of records</dt>
      <dd>
        {anchor.registry_types.length === 0
          ? "none"
          : anchor.registry_types.map((type, index) => (
              <>
                {index > 0 && ", "}
                <code>{type}</code>
              </>
            ))}
      </dd>
      <dt>Fingerprint of its key</dt>
      <dd>
        {fingerprints(anchor).map((kid) => (
          <code class="fingerprint">{kid}</code>
        ))}
      </dd>
      {anchor.exp !== undefined && (
        <>
          <dt>Trusted until</dt>
          <dd>
            <Instant at={new Date(anchor.exp * 1_000).toISOString()} reader={frame.reader} />
          </dd>
        </>
      )}
    </dl>
  </li>
);

export const Trust: FC<{ policy: VerifierPolicy; policyName: string; frame: PageFrame }> = ({
  policy,
  policyName,
  frame,
}) => (
  <>
    <p>
      By {policyName}. A record counts only if one of these anchors vouches, for its kind, for the department that
      signed it:
    </p>
    <ul class="plain groups">
      {policy.anchors.map((anchor) => (
        <Anchor anchor={anchor} frame={frame} />
      ))}
    </ul>
    <p class="soft">
      {formatNumber(requiredBy(policy).length, frame.reader)} checks are required:{" "}
      {requiredBy(policy)
        .map((check) => CHECK_TITLES[check].toLowerCase())
        .join(", ")}
      . The department must have confirmed the record within {describeSeconds(policy.statusMaxAgeSeconds, frame)}.
      {policy.allowSuperseded === true && " Versions that a later one replaced are accepted."}
      {policy.allowArchivedChain === true && " Statements archived when a record was logged are accepted."}
    </p>
  </>
);
