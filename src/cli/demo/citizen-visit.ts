// A citizen at the pages of a department, as a browser without scripts goes there.
import { demand } from "./agency.ts";
import { createBrowser, type Visit } from "./browser-client.ts";
import type { DemoCitizen } from "./sign-in-plan.ts";
import { formTokenOf, textOf } from "./sign-in-steps.ts";
import type { Party } from "./start-federation.ts";

/** Somebody on the pages of a department for those whom its records are about. */
export async function openMe(party: Party, issuer: string, citizen: DemoCitizen) {
  const browser = createBrowser();
  const query = new URLSearchParams({ issuer, return_to: "/me" });
  const choice = await browser.visit(`${party.entity}/me/sign-in/start?${query}`);
  const me = await browser.visit(choice.url, { account: citizen.id });
  demand(
    me.status === 200 && me.url.startsWith(`${party.entity}/me`) && textOf(me).includes(citizen.name),
    `after signing in, ${citizen.name} is shown, with status ${me.status}, ${me.url}`,
  );
  const open = (path: string): Promise<Visit> => browser.visit(`${party.entity}/me${path}`);
  const send = (path: string, page: Visit, form: Readonly<Record<string, string>>): Promise<Visit> =>
    browser.visit(`${party.entity}/me${path}`, { form_token: formTokenOf(page), ...form });
  return {
    open,
    /** A form of that page. */
    send,
    /** What a citizen decides about a consent. */
    async decide(id: string, act: "give" | "withdraw", form: Readonly<Record<string, string>> = {}): Promise<void> {
      const page = await open(`/consents/${id}`);
      const answer = await send(`/consents/${id}/${act}`, page, form);
      demand(answer.status === 200, `${citizen.name} cannot ${act} a consent: status ${answer.status}`);
    },
  };
}
