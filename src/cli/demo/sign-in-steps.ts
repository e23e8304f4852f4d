// Steps of the story about staff: who signs in by the provider, as whom, where that means nothing, and how it ends.
import { demand } from "./agency.ts";
import { type Browser, createBrowser, type Visit } from "./browser-client.ts";
import { accountIdOf } from "./sign-in-plan.ts";
import { type DemoFederation, getParty, type Party } from "./start-federation.ts";

/** What a page says, without its markup. */
export function textOf({ text }: Visit): string {
  return text.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
}

export function formTokenOf(page: Visit): string {
  return /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] ?? "";
}

/** Goes to the desk of a node, is sent to the provider, and chooses somebody there. Gives the page where that ends. */
async function signIn(browser: Browser, party: Party, name: string): Promise<Visit> {
  const asked = await browser.visit(`${party.entity}/console`);
  const link = /href="([^"]*\/sign-in\/start[^"]*)"/.exec(asked.text)?.[1];
  demand(link !== undefined, `${asked.url} offers nobody to sign in with`);
  const choice = await browser.visit(new URL(link.replaceAll("&amp;", "&"), asked.url).href);
  return browser.visit(choice.url, { account: accountIdOf(name) });
}

export async function proveSignIn(federation: DemoFederation): Promise<string[]> {
  const [local, rural] = [getParty(federation, "local-government"), getParty(federation, "rural-development")];
  const { name } = local.plan.staff.find(({ role }) => role === "registrar")!;
  const browser = createBrowser();
  const desk = await signIn(browser, local, name);
  demand(
    desk.url === `${local.entity}/console` && textOf(desk).includes(`Signed in as ${name}, acting as registrar`),
    `after signing in as ${name} there is, with status ${desk.status}, ${desk.url}`,
  );

  const form = { form_token: formTokenOf(desk), id: "any" };
  const denied = await browser.visit(`${local.entity}/console/tokens/revoke`, form);
  demand(
    denied.status === 403 && denied.text.includes("permission_denied"),
    `a registrar who revokes a token must be refused with permission_denied; the answer was ${denied.status}`,
  );
  const stranger = await signIn(createBrowser(), rural, name);
  demand(
    stranger.status === 403 && stranger.text.includes("role_not_granted"),
    `${name} at rural development must be refused with role_not_granted; the answer was ${stranger.status}`,
  );

  const copied = browser.copy();
  demand((await copied.visit(`${local.entity}/console`)).url === desk.url, "a browser with the cookies is let in");
  await browser.visit(`${local.entity}/sign-out`, { form_token: formTokenOf(desk) });
  const after = await copied.visit(`${local.entity}/console`);
  demand(after.url.startsWith(`${local.entity}/sign-in`), `a cookie opens ${after.url} although its owner signed out`);
  return [
    `${name} signed in by OpenID Connect and acts as registrar at ${local.plan.name}`,
    "refused: a registrar who revokes a token (permission_denied), and the same person at rural-development (role_not_granted)",
    "after signing out, a copy of the cookie opens nothing",
  ];
}
