// Sign-in on pages over real HTTP with a real provider: what it lets in, and each attack that it must withstand.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SESSION_IDLE_SECONDS, SESSION_SECONDS, SIGN_IN_SECONDS } from "../../src/limits.ts";
import { currentSeconds } from "../../src/node.ts";
import { type BrowserJar, createBrowserJar, hiddenField } from "../browser-jar.ts";
import { definition } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";

let world: SignInWorld;
let ahead = 0;
let base: string;
let origin: string;

beforeAll(async () => {
  world = await startSignInWorld({ clock: () => currentSeconds() + ahead });
  base = world.node.entity;
  ({ origin } = new URL(base));
  expect((await world.node.publish(definition("wells", { access: "members" }))).status).toBe(201);
});

afterAll(() => world?.close());

// The provider's clock goes with the machine: nobody signs in by a node that is ahead.
afterEach(() => {
  ahead = 0;
});

async function signedIn(account = "asha"): Promise<BrowserJar> {
  const browser = createBrowserJar();
  const page = await world.signIn(browser, account);
  expect([page.status, page.url], page.text).toEqual([200, `${base}/console`]);
  return browser;
}

const cookiesOf = (browser: BrowserJar) => browser.cookies.get(origin) ?? new Map<string, string>();
const sessionOf = (browser: BrowserJar) => [...cookiesOf(browser)].find(([name]) => name.includes("session"))?.[1];
/** Whether the browser is let in, and else where it is sent. */
async function isIn(browser: BrowserJar): Promise<boolean> {
  const { status, headers } = await browser.request("GET", `${base}/console`);
  if (status === 200) return true;
  expect([status, headers.get("location")]).toEqual([303, "/water/sign-in?return_to=%2Fwater%2Fconsole"]);
  return false;
}

async function formTokenOf(browser: BrowserJar): Promise<string> {
  const token = hiddenField((await browser.request("GET", `${base}/console`)).text, "form_token");
  expect(token).toMatch(/^[\w-]{43}$/);
  return token!;
}

/** What the start page of the problem says. */
const codeOf = (page: { text: string }) => /<code(?: dir="ltr")?>([a-z_]+)<\/code><\/p>/.exec(page.text)?.[1];

describe("signing in", () => {
  it("begins with the staff page that was wanted and ends there, with name and role in its header", async () => {
    const browser = createBrowserJar();
    const asked = await browser.visit(`${base}/console/sessions`);
    expect(asked.text).toContain("Sign in with Department account");
    const href = /href="([^"]*sign-in\/start[^"]*)"/.exec(asked.text)![1]!.replaceAll("&amp;", "&");
    const atProvider = await browser.visit(new URL(href, base).href);
    const page = await browser.visit(atProvider.url, { form: { account: "asha" } });
    expect([page.status, page.url]).toEqual([200, `${base}/console/sessions`]);
    expect(page.text).toMatch(/Signed in as <strong[^>]*>Asha Rao<\/strong>, acting as <strong>registrar/);
  });

  it("is offered on the node's first page", async () => {
    const home = await createBrowserJar().request("GET", base);
    expect(home.text).toMatch(/<a class="button" href="\/water\/sign-in">\s*Sign in\s*<\/a>/);
  });

  it("asks the provider for a code with PKCE, state and nonce, each new every time", async () => {
    const browser = createBrowserJar();
    const start = async () => {
      const query = new URLSearchParams({ issuer: world.provider.issuer });
      const { headers } = await browser.request("GET", `${base}/sign-in/start?${query}`);
      return new URL(headers.get("location")!).searchParams;
    };
    const [one, other] = [await start(), await start()];
    expect(Object.fromEntries(one)).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      redirect_uri: `${base}/sign-in/callback`,
    });
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(one.get(name)).toMatch(/^[\w-]{43}$/);
      expect(one.get(name)).not.toBe(other.get(name));
    }
  });

  it("gives a cookie that scripts and other sites do not get, and keeps the page out of every cache", async () => {
    const browser = createBrowserJar();
    const at = await world.signIn(browser, "asha", { stopAt: `${base}/sign-in/callback` });
    const answer = await browser.request("GET", at.url);
    const [session] = answer.headers.getSetCookie().filter((line) => line.includes("session"));
    expect(session).toMatch(/^attestry-session-[0-9a-f]{8}=[\w-]{43}; Max-Age=36000; Path=\/; HttpOnly; SameSite=Lax$/);
    const page = await browser.request("GET", `${base}/console`);
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  it("shows a name as the text that it is", async () => {
    const page = await (await signedIn("bina")).request("GET", `${base}/console`);
    expect(page.text).toContain("Bina &lt;Sen&gt;");
  });

  it("is refused to who has no group that means a role", async () => {
    const browser = createBrowserJar();
    const page = await world.signIn(browser, "nobody");
    expect([page.status, codeOf(page)]).toEqual([403, "role_not_granted"]);
    expect(sessionOf(browser)).toBeUndefined();
  });

  it("leads to no page but this node's own for staff", async () => {
    for (const returnTo of [
      "https://evil.example/",
      "//evil.example/water/console",
      "/\\evil.example",
      "/water/consolex",
      "/water/registries",
      "javascript:alert(1)",
      "/water/console/../../x",
    ]) {
      const page = await world.signIn(createBrowserJar(), "asha", { returnTo, stopAt: `${base}/console` });
      expect([returnTo, page.url]).toEqual([returnTo, `${base}/console`]);
    }
  });

  it("needs an issuer of the configuration: another is asked nothing", async () => {
    const query = new URLSearchParams({ issuer: "http://127.0.0.1:9" });
    const page = await createBrowserJar().request("GET", `${base}/sign-in/start?${query}`);
    expect([page.status, codeOf(page)]).toEqual([400, "sign_in_failed"]);
  });
});

describe("where no issuer is for citizens", () => {
  it("says so at /me, and begins no citizen's sign-in by an issuer of staff", async () => {
    const page = await createBrowserJar().visit(`${base}/me`);
    expect([page.status, page.url]).toEqual([200, `${base}/me/sign-in?return_to=%2Fwater%2Fme`]);
    expect(page.text).toContain("Nobody can sign in here yet.");
    const query = new URLSearchParams({ issuer: world.provider.issuer });
    const start = await createBrowserJar().request("GET", `${base}/me/sign-in/start?${query}`);
    expect([start.status, codeOf(start)]).toEqual([400, "sign_in_failed"]);
  });
});

describe("coming back from the provider is refused", () => {
  const comeBack = (browser: BrowserJar) => world.signIn(browser, "asha", { stopAt: `${base}/sign-in/callback` });
  const refused = async (browser: BrowserJar, url: string) => {
    const page = await browser.visit(url);
    expect([page.status, codeOf(page)], page.text).toEqual([400, "sign_in_failed"]);
    expect(sessionOf(browser)).toBeUndefined();
  };

  it("in a browser that did not begin: nobody can be signed in as somebody else", async () => {
    const attacker = createBrowserJar();
    const { url } = await comeBack(attacker);
    await refused(createBrowserJar(), url);
    const victim = createBrowserJar();
    await victim.request("GET", `${base}/sign-in/start?${new URLSearchParams({ issuer: world.provider.issuer })}`);
    await refused(victim, url);
  });

  it("with another state, or none", async () => {
    for (const state of ["", "x".repeat(43)]) {
      const browser = createBrowserJar();
      const url = new URL((await comeBack(browser)).url);
      if (state === "") url.searchParams.delete("state");
      else url.searchParams.set("state", state);
      await refused(browser, url.href);
    }
  });

  it("twice, in the same browser or another that has its cookies", async () => {
    const browser = createBrowserJar();
    const { url } = await comeBack(browser);
    const thief = browser.copy();
    expect((await browser.visit(url)).url).toBe(`${base}/console`);
    const again = await browser.visit(url);
    expect(codeOf(again)).toBe("sign_in_failed");
    await refused(thief, url);
  });

  it("with the code of another sign-in: its PKCE verifier is not this browser's", async () => {
    const [one, other] = [createBrowserJar(), createBrowserJar()];
    const url = new URL((await comeBack(one)).url);
    url.searchParams.set("code", new URL((await comeBack(other)).url).searchParams.get("code")!);
    await refused(one, url.href);
  });

  it("with the name of another issuer, or without a name where the issuer always gives one", async () => {
    for (const issuer of ["https://evil.example", ""]) {
      const browser = createBrowserJar();
      const url = new URL((await comeBack(browser)).url);
      if (issuer === "") url.searchParams.delete("iss");
      else url.searchParams.set("iss", issuer);
      await refused(browser, url.href);
    }
  });

  it("with an error, with nothing, with a cookie that was changed, and after too long", async () => {
    const browser = createBrowserJar();
    const url = new URL((await comeBack(browser)).url);
    for (const change of [{ error: "access_denied<script>" }, { code: "" }]) {
      const copy = browser.copy();
      const changed = new URL(url);
      for (const [name, value] of Object.entries(change)) changed.searchParams.set(name, value);
      await refused(copy, changed.href);
    }
    const changed = browser.copy();
    for (const [name, value] of cookiesOf(changed)) cookiesOf(changed).set(name, `${value.slice(0, -2)}AA`);
    await refused(changed, url.href);
    ahead += SIGN_IN_SECONDS + 1;
    await refused(browser, url.href);
  });
});

describe("a session", () => {
  it("has a new secret after every sign-in: one that was planted before never becomes anybody's", async () => {
    const attacker = await signedIn("bina");
    const planted = sessionOf(attacker)!;
    const victim = createBrowserJar();
    victim.cookies.set(origin, new Map(cookiesOf(attacker)));
    await world.signIn(victim, "asha");
    expect(sessionOf(victim)).not.toBe(planted);
    // And the planted one is over: it stood in a browser that is now somebody else's.
    expect(await isIn(attacker)).toBe(false);
    const unknown = createBrowserJar();
    const [name] = [...cookiesOf(victim).keys()].filter((one) => one.includes("session"));
    unknown.cookies.set(origin, new Map([[name!, "A".repeat(43)]]));
    await world.signIn(unknown, "asha");
    expect(sessionOf(unknown)).not.toBe("A".repeat(43));
    expect(await isIn(unknown)).toBe(true);
  });

  it("is over for everybody who has its cookie once its person signs out", async () => {
    const browser = await signedIn();
    const thief = browser.copy();
    expect(await isIn(thief)).toBe(true);
    const page = await browser.visit(`${base}/sign-out`, { form: { form_token: await formTokenOf(browser) } });
    expect(page.text).toContain("You are signed out here");
    const signOut = new URL(/href="([^"]*session\/end[^"]*)"/.exec(page.text)![1]!.replaceAll("&amp;", "&"));
    expect([signOut.origin, signOut.searchParams.get("post_logout_redirect_uri")]).toEqual([
      world.provider.issuer,
      `${base}/sign-in`,
    ]);
    expect((await browser.request("GET", signOut.href)).status).toBe(200);
    expect(sessionOf(browser)).toBeUndefined();
    expect(await isIn(thief)).toBe(false);
    const form = { form_token: "anything", role: "reader" };
    expect((await thief.request("POST", `${base}/console/role`, { form })).headers.get("location")).toBe(
      "/water/sign-in",
    );
  });

  it("ends when nobody was there for a while, and after a working day whatever happens", async () => {
    const start = ahead;
    const idle = await signedIn();
    ahead = start + SESSION_IDLE_SECONDS - 5;
    expect(await isIn(idle)).toBe(true);
    ahead += SESSION_IDLE_SECONDS - 5;
    expect(await isIn(idle)).toBe(true);
    ahead += SESSION_IDLE_SECONDS + 5;
    expect(await isIn(idle)).toBe(false);
    ahead = start;
    const busy = await signedIn();
    const begun = ahead;
    while (ahead < begun + SESSION_SECONDS - SESSION_IDLE_SECONDS) {
      ahead += SESSION_IDLE_SECONDS - 60;
      expect(await isIn(busy)).toBe(true);
    }
    ahead = begun + SESSION_SECONDS + 1;
    expect(await isIn(busy)).toBe(false);
  });

  it("is kept as a hash: what the database holds opens nothing", async () => {
    const browser = await signedIn();
    const rows = await world.node.database.database.sql`select * from session`;
    expect(JSON.stringify(rows)).not.toContain(sessionOf(browser)!);
    const [name] = [...cookiesOf(browser).keys()];
    for (const row of rows.slice(-1))
      for (const value of [row.secret_hash, row.id]) {
        const thief = createBrowserJar(new Map([[origin, new Map([[name!, String(value)]])]]));
        expect(await isIn(thief)).toBe(false);
      }
  });

  it("opens nothing of the API: a cookie is no bearer token", async () => {
    const browser = await signedIn();
    const headers = { "content-type": "application/json", accept: "application/json" };
    const cookie = [...cookiesOf(browser)].map(([name, value]) => `${name}=${value}`).join("; ");
    const json = { data: { code: "W-1", name: "Well" } };
    const written = await world.node.request("POST", "/registries/wells/records", {
      json,
      headers: { ...headers, cookie },
    });
    expect([written.status, written.body.code]).toEqual([401, "authentication_required"]);
    const read = await world.node.request("GET", "/registries/wells/records", { headers: { ...headers, cookie } });
    expect([read.status, read.body.code]).toEqual([401, "authentication_required"]);
    const bearer = await world.node.request("POST", "/registries/wells/records", { json, token: sessionOf(browser)! });
    expect([bearer.status, bearer.body.code]).toEqual([401, "token_invalid"]);
  });
});

describe("a form", () => {
  const change = (browser: BrowserJar, form: Record<string, string>, headers: Record<string, string> = {}) =>
    browser.request("POST", `${base}/console/role`, { form, headers });
  const roleOf = async (browser: BrowserJar) =>
    /acting as <strong>(\w+)/.exec((await browser.request("GET", `${base}/console`)).text)?.[1];

  it("changes the role in which a person acts, to one that the person has", async () => {
    const browser = await signedIn();
    const form_token = await formTokenOf(browser);
    expect((await change(browser, { form_token, role: "reader" })).status).toBe(303);
    expect(await roleOf(browser)).toBe("reader");
    const page = await change(browser, { form_token, role: "operator" });
    expect([page.status, codeOf(page)]).toEqual([403, "role_not_granted"]);
    expect(await roleOf(browser)).toBe("reader");
  });

  it("is refused without the token of its session's own pages, or with another session's", async () => {
    const [browser, other] = [await signedIn(), await signedIn("bina")];
    for (const form_token of ["", "A".repeat(43), await formTokenOf(other)]) {
      const page = await change(browser, { form_token, role: "reader" });
      expect([page.status, codeOf(page)]).toEqual([403, "form_token_invalid"]);
    }
    expect((await change(browser, { role: "reader" })).status).toBe(403);
    expect(await roleOf(browser)).toBe("registrar");
    for (const path of ["/sign-out", "/console/sessions/end", "/console/tokens/revoke"])
      expect((await browser.request("POST", `${base}${path}`, { form: { id: "x" } })).status).toBe(403);
    expect(await isIn(browser)).toBe(true);
  });

  it("is refused where the browser says that another site sent it, even with the right token", async () => {
    const browser = await signedIn();
    const form = { form_token: await formTokenOf(browser), role: "reader" };
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
    ]) {
      const page = await change(browser, form, headers as Record<string, string>);
      expect([page.status, codeOf(page)]).toEqual([403, "form_token_invalid"]);
    }
    const json = await browser.request("POST", `${base}/console/role`, { headers: { "content-type": "text/plain" } });
    expect(json.status).toBe(415);
  });

  it("larger than forms are is not read", async () => {
    const browser = await signedIn();
    const page = await change(browser, { form_token: await formTokenOf(browser), role: "x".repeat(70_000) });
    expect([page.status, codeOf(page)]).toEqual([413, "body_too_large"]);
  });
});

describe("sessions and tokens", () => {
  const idsOf = (page: string) => [...page.matchAll(/name="id" value="([0-9a-f]{16})"/g)].map(([, id]) => id!);
  const end = async (browser: BrowserJar, path: string, id: string) =>
    browser.request("POST", `${base}${path}`, { form: { form_token: await formTokenOf(browser), id } });

  it("of others are seen and ended by an operator only", async () => {
    const [asha, elsewhere, bina, omar] = [
      await signedIn(),
      await signedIn(),
      await signedIn("bina"),
      await signedIn("omar"),
    ];
    const own = idsOf((await bina.request("GET", `${base}/console/sessions`)).text);
    const ashas = idsOf((await asha.request("GET", `${base}/console/sessions`)).text);
    expect(ashas.length).toBeGreaterThanOrEqual(2);
    expect(own.filter((id) => ashas.includes(id))).toEqual([]);
    const refusedEnd = await end(bina, "/console/sessions/end", ashas[0]!);
    expect([refusedEnd.status, codeOf(refusedEnd)]).toEqual([404, "session_unknown"]);
    expect([await isIn(asha), await isIn(elsewhere)]).toEqual([true, true]);
    for (const id of ashas) expect((await end(omar, "/console/sessions/end", id)).status).toBe(303);
    expect([await isIn(asha), await isIn(elsewhere), await isIn(bina)]).toEqual([false, false, true]);
  });

  it("made on the node's machine are shown as such to an operator, who revokes them", async () => {
    const [asha, omar] = [await signedIn(), await signedIn("omar")];
    const token = await world.node.token("operator");
    const publish = () => world.node.request("PUT", "/registries/ponds", { token, json: definition("ponds") });
    expect((await publish()).status).toBe(201);
    const id = token.slice(4, 20);
    expect((await asha.request("GET", `${base}/console/sessions`)).text).not.toContain(id);
    const page = (await omar.request("GET", `${base}/console/sessions`)).text;
    expect(page).toContain("local token");
    expect(idsOf(page)).toContain(id);
    expect(page).not.toContain(token.slice(21));
    const refusedRevoke = await end(asha, "/console/tokens/revoke", id);
    expect([refusedRevoke.status, codeOf(refusedRevoke)]).toEqual([403, "permission_denied"]);
    expect((await end(omar, "/console/tokens/revoke", id)).status).toBe(303);
    const { status, body } = await publish();
    expect([status, body.code]).toEqual([401, "token_invalid"]);
    const again = await end(omar, "/console/tokens/revoke", id);
    expect([again.status, codeOf(again)]).toEqual([404, "token_unknown"]);
  });
});
