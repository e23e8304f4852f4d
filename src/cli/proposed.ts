// What commands say where others must approve a change first.
import { isJsonObject, type JsonObject } from "../crypto/json.ts";
import { printable } from "./terminal.ts";

/** Lines for people, or undefined of an answer that is no proposal. */
export function describeProposed({ proposal }: JsonObject): string[] | undefined {
  if (proposal === undefined || !isJsonObject(proposal)) return undefined;
  return [
    `proposed: nothing changes until ${proposal.waits_for === undefined ? "others approve" : `a person in role ${String(proposal.waits_for)} approves`}`,
    `  follow it at ${printable(String(proposal.href))}`,
  ];
}
