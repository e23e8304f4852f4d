// Steps of the story about superiors and subordinates: leaving and enrolling, a grant withdrawn, a member suspended. Each is undone at its end.
import { type Agency, demand, demandFailure, demandRefusal, demandValid } from "./agency.ts";
import { RURAL_DEVELOPMENT } from "./federation-plan.ts";
import { type DemoFederation, getParty, grantOf } from "./start-federation.ts";

const CODE_SECONDS = 600;

/** Rural development leaves the state, is believed no more, and comes back by a one-time code that works once. */
export async function proveEnrolment(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const { entity } = getParty(federation, "rural-development");
  const granted = await federation.operate(["state", "rural-development"], async (nodeOf) => {
    const [state, member] = [nodeOf("state"), nodeOf("rural-development")];
    await member.enrolmentClient.leave(state.entity);
    await demandRefusal("chain_not_found", () => agency.getChain(entity), "a member that has left");
    const { code } = await state.enrolment.createCode({
      entity,
      grant: grantOf(RURAL_DEVELOPMENT),
      seconds: CODE_SECONDS,
    });
    const configuration = await member.federation.getConfiguration();
    const apply = () => member.enrolmentClient.apply({ superior: state.entity, configuration, code });
    const enrolment = await apply();
    demand(enrolment.state === "accepted", `the application with a code is ${enrolment.state}`);
    await demandRefusal("enrolment_refused", apply, "the same code once more");
    return enrolment.registryTypes ?? [];
  });
  const chain = await agency.getChain(entity);
  demand(chain.registryTypes.join() === granted.join(), `the chain grants ${chain.registryTypes.join(", ")}`);
  return [
    "rural development left the state and was believed no more: chain_not_found",
    `it came back by a challenge to its key and a one-time code, for ${granted.join(", ")}; the code works once`,
  ];
}

/** The state takes a type back: from the next statement on, what the department signs of that type is refused. */
export async function proveWithdrawal(federation: DemoFederation, agency: Agency, href: string): Promise<string[]> {
  const { entity } = getParty(federation, "rural-development");
  const grant = (registryTypes: readonly string[]) =>
    federation.operate(["state"], (nodeOf) => nodeOf("state").federation.acceptSubordinate({ entity, registryTypes }));
  const verify = async () => {
    const chain = (await agency.getChain(entity)).statements;
    return agency.verify({ ...(await agency.fetchEvidence(href)), chain });
  };
  demandValid(await verify(), "a block before its type was withdrawn");
  await grant([]);
  demandFailure(await verify(), { check: "authority", code: "authority_not_granted" }, "a block of a withdrawn type");
  await grant(RURAL_DEVELOPMENT.registries);
  demandValid(await verify(), "a block whose type is granted again");
  return ["the state withdrew blocks: the same record is refused, authority_not_granted, until they are granted again"];
}

/** The anchor suspends the state: whoever asks anew finds no chain for anybody below it. */
export async function proveSuspension(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const state = getParty(federation, "state").entity;
  const { entity } = getParty(federation, "local-government");
  await federation.operate(["anchor"], (nodeOf) =>
    nodeOf("anchor").federation.suspendSubordinate({ entity: state, reason: "under inquiry" }),
  );
  try {
    await demandRefusal("chain_not_found", () => agency.getChain(entity), "a department below a suspended state");
  } finally {
    await federation.operate(["anchor"], (nodeOf) => nodeOf("anchor").federation.resumeSubordinate(state));
  }
  await agency.getChain(entity);
  return ["the anchor suspended the state: no chain for any department below it, at once, until it was resumed"];
}
