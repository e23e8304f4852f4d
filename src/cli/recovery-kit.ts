// The text that `attestry init` writes for the safe: what can be lost, what each loss costs, and what helps.
import { KEY_ROLES, type Secrets } from "../secrets.ts";

/** @param passphrase undefined where the operator chose it and keeps it elsewhere. */
export function recoveryKit(options: {
  entity: string;
  directory: string;
  passphrase: string | undefined;
  secrets: Secrets;
}): string {
  const { entity, directory, passphrase, secrets } = options;
  const fingerprints = KEY_ROLES.map((role) => `  ${role.padEnd(11)} ${secrets.signers[role].publicKey.kid}`).join(
    "\n",
  );
  return `ATTESTRY RECOVERY KIT
=====================
Node: ${entity}

Passphrase of the keys: ${passphrase ?? "(the one you gave with --passphrase-file; write it here by hand)"}

Print this page, put it into a safe apart from the backups, and delete the file. Whoever has this page AND
a copy of ${directory}/keys.json can sign in the name of this department and read every sealed field.

To start again on another machine you need: this page, keys.json, config.json, anchors.json, and a backup of the database.

What each loss costs
  this passphrase     While the node runs nothing; after its next start without an unlock file the keys cannot be opened:
                      the same as losing keys.json.
  keys.json           New records cannot be signed under this node's name, and sealed fields can never be read again. Records
                      already issued still verify for everyone. The superior must enrol the node anew with new keys.
  the database        Everything recorded since the last backup. Records that others hold still verify.
  the unlock file     Nothing, if you have the passphrase: put it back, or set ATTESTRY_PASSPHRASE_FILE.

What each theft gives, and what to do at once
  federation key      Can change which keys the federation believes for this node: tell the superior to suspend it.
  record key          Can sign false records: report it; what the log did not include before the theft is then refused.
  log key             Can sign a second history: witnesses refuse it; report it.
  status key          Can call revoked records valid: report it.
  request key         Can ask other nodes in this node's name: report it.
  witness key         Can cosign other logs in this node's name: tell those who count on it, rotate.

To report:  attestry keys report FINGERPRINT --compromised-since TIME
After any rotation or report, back up keys.json again: a copy from before does not hold the new keys.

Fingerprints of the first keys (RFC 7638; later ones: attestry keys list), to compare by voice with a superior:
${fingerprints}
`;
}
