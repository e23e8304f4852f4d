// The step of the story about what a citizen shares by themselves: fields of an own record, by a link and a code, with somebody who is no node.
import type { JsonObject } from "../../crypto/json.ts";
import type { Evidence } from "../../verification/index.ts";
import { createNodeClient } from "../node-client.ts";
import { type Agency, demand, demandRefusal, parseAnswer } from "./agency.ts";
import { openMe } from "./citizen-visit.ts";
import { DEMO_CITIZENS, type DemoCitizen } from "./sign-in-plan.ts";
import { textOf } from "./sign-in-steps.ts";
import { type DemoFederation, getParty } from "./start-federation.ts";

const RECIPIENT = "Lake Bank";

export async function proveSharing(federation: DemoFederation, agency: Agency, issuer: string): Promise<string[]> {
  const civil = getParty(federation, "civil-registry");
  const [meera] = DEMO_CITIZENS as [DemoCitizen];
  const me = await openMe(civil, issuer, meera);
  const choice = await me.open("/share/new");
  const path = /\/me(\/share\/new\?registry=persons&amp;rid=[0-9a-f-]+)/
    .exec(choice.text)?.[1]
    ?.replaceAll("&amp;", "&");
  demand(path !== undefined, `${meera.name} finds no record to share at ${choice.url}`);
  const form = await me.open(path);
  const input = (name: string): string => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(form.text)?.[1] ?? "";
  const made = await me.send("/share/create", form, {
    ...{ id: input("id"), registry: "persons", rid: input("rid"), until: input("until"), often: "once" },
    ...{ field: "born", recipient: RECIPIENT, purpose: "opening an account", entity: "" },
  });
  const share = /\/shared\/[0-9a-f-]{36}/.exec(made.text)?.[0];
  const code = /class="spoken"[^>]*>\s*([0-9 ]+)/.exec(made.text)?.[1]?.trim();
  demand(share !== undefined && code !== undefined, `sharing answers no link and code: status ${made.status}`);

  const anybody = createNodeClient({ baseUrl: civil.entity });
  const open = async (spoken: string, requestId: string): Promise<JsonObject> => {
    const body = JSON.stringify({ share: `${civil.entity}${share}`, code: spoken, request_id: requestId });
    return parseAnswer(
      await anybody.send({ method: "POST", path: "/shares:open", body, contentType: "application/json" }),
    );
  };
  await demandRefusal("share_unknown", () => open("0".repeat(15), "opening-0"), "a link with a wrong code");
  const opened = await open(code, "opening-1");
  const names = Object.keys((opened.data ?? {}) as JsonObject).join();
  demand(names === "born", `what was shared has the fields ${names}; born alone was chosen`);
  const report = await agency.verify(opened.evidence as unknown as Evidence);
  const binding = report.checks.find(({ check }) => check === "binding");
  demand(report.valid && binding?.code === "passed_by_share", `what was shared does not verify: ${binding?.code}`);
  await demandRefusal("share_used", () => open(code, "opening-2"), "a second opening of what may be opened once");
  const usage = textOf(await me.open("/usage"));
  demand(usage.includes(RECIPIENT), `${meera.name} does not see that ${RECIPIENT} opened what was shared`);
  return [
    `${meera.name} shared 1 field with ${RECIPIENT}, once, by a link and a code: what it opened verifies (passed_by_share)`,
    "refused: a wrong code (share_unknown), a second opening (share_used); the citizen's page shows the opening",
  ];
}
