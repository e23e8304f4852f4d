// Steps of the story about a node that changes: another record key, another address. The second is undone at its end.
import { isJsonObject, parseJson } from "../../crypto/json.ts";
import { decodeJws } from "../../crypto/jws.ts";
import { type Agency, demand, demandRefusal, demandValid } from "./agency.ts";
import { RURAL_DEVELOPMENT } from "./federation-plan.ts";
import { createRecord } from "./seed.ts";
import { findFreePort, runCommand } from "./server-process.ts";
import { clientOf, type DemoFederation, getParty, grantOf } from "./start-federation.ts";

function keyOf(token: string): string {
  return String(decodeJws(token.split("~", 1)[0]!).header.kid);
}

/** Rural development takes a new record key: what the old one signed verifies, and what is signed now carries the new one. */
export async function proveRotation(
  federation: DemoFederation,
  agency: Agency,
  { href, code, district }: { href: string; code: string; district: string },
): Promise<string[]> {
  const party = getParty(federation, "rural-development");
  const before = await agency.fetchEvidence(href);
  const rotated = parseJson(
    await federation.command("rural-development", ["keys", "rotate", "record", "--now", "--json"]),
  );
  const kid = isJsonObject(rotated) ? String(rotated.kid) : "";
  await federation.restart("rural-development");
  const chain = (await agency.getChain(party.entity)).statements;
  demandValid(await agency.verify({ ...before, chain }), "a block signed by the old key");
  const made = await createRecord(clientOf(party, "registrar"), "blocks", {
    code: `${code}-99`,
    name: "Keyes",
    district,
  });
  const after = await agency.fetchEvidence(made.href);
  demandValid(await agency.verify({ ...after, chain }), "a block signed by the new key");
  const [oldKey, newKey] = [keyOf(before.token), keyOf(after.token)];
  demand(newKey === kid && oldKey !== newKey, `the new block is signed by ${newKey}, the new key is ${kid}`);
  return ["rural development rotated its record key: blocks signed by the old one verify, new ones carry the new one"];
}

/** Applies at the state under the new address, which its operator confirms. */
async function confirmMove(federation: DemoFederation, { to, from }: { to: string; from: string }): Promise<void> {
  await federation.restart("rural-development");
  await federation.operate(["state", "rural-development", "anchor"], async (nodeOf) => {
    const [state, member, anchor] = [nodeOf("state"), nodeOf("rural-development"), nodeOf("anchor")];
    const configuration = await member.federation.getConfiguration();
    await member.enrolmentClient.apply({ superior: state.entity, configuration, formerly: from });
    const terms = { entity: to, grant: grantOf(RURAL_DEVELOPMENT), replaceKey: false };
    await demandRefusal("formerly_not_vouched", () => state.enrolment.accept(terms), "a move that nobody confirmed");
    await state.enrolment.accept({ ...terms, formerly: from });
    await anchor.directory.refresh();
  });
}

/** Rural development goes to another address: references to the dead one resolve, since its superior says what it was. */
export async function proveMove(federation: DemoFederation, href: string): Promise<string[]> {
  const { entity } = getParty(federation, "rural-development");
  const to = `http://127.0.0.1:${await findFreePort()}`;
  const move = (target: string) =>
    federation.command("rural-development", ["federation", "move", target, "--listen", new URL(target).host]);
  await move(to);
  await confirmMove(federation, { to, from: entity });
  const answer = parseJson(
    await runCommand(["resolve", href, "--anchors", federation.anchorsPath, "--development", "--json"]),
  );
  const text = JSON.stringify(answer);
  demand(text.includes('"outcome":"verified"'), `a block under the dead address resolves as ${text.slice(0, 300)}`);
  await move(entity);
  await confirmMove(federation, { to: entity, from: to });
  return [
    `rural development moved to ${to}: its blocks resolve under the address that is dead, by the state's word; its own alone is refused, formerly_not_vouched`,
    "it moved back",
  ];
}
