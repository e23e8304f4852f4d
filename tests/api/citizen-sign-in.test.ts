// Citizens sign in at /me over real HTTP with a real provider: beside the desk and never mixed with it, and each attack that this must withstand.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SESSION_IDLE_SECONDS, SESSION_SECONDS } from "../../src/limits.ts";
import { currentSeconds } from "../../src/node.ts";
import { type BrowserJar, createBrowserJar, hiddenField } from "../browser-jar.ts";
import { definition } from "../node-fixture.ts";
import { ACCOUNTS, type SignInWorld, startSignInWorld } from "../sign-in-world.ts";

let world: SignInWorld;
let ahead = 0;
let base: string;
let origin: string;

beforeAll(async () => {
  world = await startSignInWorld({ clock: () => currentSeconds() + ahead, citizenClaims: ["national_id"] });
  base = world.node.entity;
  ({ origin } = new URL(base));
  expect((await world.node.publish(definition("wells", { access: "members" }))).status).toBe(201);
});

afterAll(() => world?.close());

afterEach(() => {
  ahead = 0;
});

const cookiesOf = (browser: BrowserJar) => browser.cookies.get(origin) ?? new Map<string, string>();
const cookieOf = (browser: BrowserJar, what: "me" | "session") =>
  [...cookiesOf(browser)].find(([name]) => name.startsWith(`attestry-${what}-`)) ?? ["", ""];
const codeOf = (page: { text: string }) => /<code(?: dir="ltr")?>([a-z_]+)<\/code><\/p>/.exec(page.text)?.[1];
const table = () => world.node.database.database.sql`select * from citizen_session`;

async function signedIn(account = "meera"): Promise<BrowserJar> {
  const browser = createBrowserJar();
  const page = await world.signIn(browser, account, { to: "/me" });
  expect([page.status, page.url], page.text).toEqual([200, `${base}/me`]);
  return browser;
}

/** Whether the browser is let in at /me, and else where it is sent. */
async function isIn(browser: BrowserJar): Promise<boolean> {
  const { status, headers } = await browser.request("GET", `${base}/me`);
  if (status === 200) return true;
  expect([status, headers.get("location")]).toEqual([303, "/water/me/sign-in?return_to=%2Fwater%2Fme"]);
  return false;
}

const formTokenOf = async (browser: BrowserJar) =>
  hiddenField((await browser.request("GET", `${base}/me`)).text, "form_token")!;

describe("signing in as a citizen", () => {
  it("begins at /me, by a link that says with what, and ends there with the name in the header", async () => {
    const browser = createBrowserJar();
    const asked = await browser.visit(`${base}/me`);
    expect(asked.url).toBe(`${base}/me/sign-in?return_to=%2Fwater%2Fme`);
    const href = /href="([^"]*me\/sign-in\/start[^"]*)"/.exec(asked.text)![1]!.replaceAll("&amp;", "&");
    const atProvider = await browser.visit(new URL(href, base).href);
    const page = await browser.visit(atProvider.url, { form: { account: "meera" } });
    expect([page.status, page.url]).toEqual([200, `${base}/me`]);
    expect(page.text).toContain("Signed in as \u2068Meera Rao\u2069");
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  it("is offered on the node's first page", async () => {
    const home = await createBrowserJar().request("GET", base);
    expect(home.text).toMatch(/<a class="button" href="\/water\/me">\s*My page\s*<\/a>/);
  });

  it("gives a cookie of its own, which scripts and other sites do not get", async () => {
    const browser = createBrowserJar();
    const at = await world.signIn(browser, "meera", { to: "/me", stopAt: `${base}/sign-in/callback` });
    const set = (await browser.request("GET", at.url)).headers.getSetCookie();
    const [session] = set.filter((line) => line.startsWith("attestry-me-"));
    expect(session).toMatch(/^attestry-me-[0-9a-f]{8}=[\w-]{43}; Max-Age=36000; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(set.filter((line) => line.startsWith("attestry-session-"))).toEqual([]);
  });

  it("leads to no page but this node's own for citizens", async () => {
    for (const returnTo of ["https://evil.example/", "//evil.example/water/me", "/water/console", "/water/mex"]) {
      const page = await world.signIn(createBrowserJar(), "meera", { to: "/me", returnTo, stopAt: `${base}/me` });
      expect([returnTo, page.url]).toEqual([returnTo, `${base}/me`]);
    }
    const page = await world.signIn(createBrowserJar(), "meera", {
      to: "/me",
      returnTo: "/water/me/usage?purpose=x",
      stopAt: `${base}/me`,
    });
    expect(page.url).toBe(`${base}/me/usage?purpose=x`);
  });

  it("needs no role, and shows nothing where no claim says who one is", async () => {
    for (const account of ["meera", "nobody", "asha"]) {
      const page = await (await signedIn(account)).request("GET", `${base}/me`);
      expect([account, page.status]).toEqual([account, 200]);
      expect(page.text).toContain("There is no record here that is surely yours.");
    }
  });
});

describe("the desk and a person's own page", () => {
  it("are two sessions, also for who is both: neither opens the other, and each ends alone", async () => {
    const browser = await signedIn("kiran");
    const desk = await browser.request("GET", `${base}/console`);
    expect([desk.status, desk.headers.get("location")]).toEqual([303, "/water/sign-in?return_to=%2Fwater%2Fconsole"]);
    expect((await world.signIn(browser, "kiran")).url).toBe(`${base}/console`);
    expect(await isIn(browser)).toBe(true);
    const ended = await browser.visit(`${base}/me/sign-out`, { form: { form_token: await formTokenOf(browser) } });
    expect(ended.text).toContain("You are signed out here");
    expect(await isIn(browser)).toBe(false);
    expect((await browser.request("GET", `${base}/console`)).status).toBe(200);
    const staff = createBrowserJar();
    await world.signIn(staff, "kiran");
    expect(await isIn(staff)).toBe(false);
  });

  it("take no secret of the other under their own name of a cookie", async () => {
    const [citizen, staff] = [await signedIn("kiran"), createBrowserJar()];
    await world.signIn(staff, "kiran");
    const [meName, meSecret] = cookieOf(citizen, "me");
    const [staffName, staffSecret] = cookieOf(staff, "session");
    const crossed = createBrowserJar(
      new Map([
        [
          origin,
          new Map([
            [meName, staffSecret],
            [staffName, meSecret],
          ]),
        ],
      ]),
    );
    expect(await isIn(crossed)).toBe(false);
    expect((await crossed.request("GET", `${base}/console`)).status).toBe(303);
  });

  it("do not take an attempt that began at the other as their own", async () => {
    const browser = createBrowserJar();
    const at = await world.signIn(browser, "meera", { to: "/me", stopAt: `${base}/sign-in/callback` });
    expect((await browser.visit(at.url)).url).toBe(`${base}/me`);
    expect(cookieOf(browser, "session")[1]).toBe("");
    // Who is no staff comes back from the desk's own sign-in with nothing at all.
    const page = await world.signIn(createBrowserJar(), "meera");
    expect([page.status, codeOf(page)]).toEqual([403, "role_not_granted"]);
  });

  it("is told apart in lists: staff see no citizen's session", async () => {
    await signedIn("meera");
    const operator = createBrowserJar();
    await world.signIn(operator, "omar");
    const page = await operator.request("GET", `${base}/console/sessions`);
    expect(page.text).toContain("Omar Khan");
    expect(page.text).not.toContain("Meera");
  });

  it("opens nothing of the API by a cookie, nor by its secret as a token", async () => {
    const browser = await signedIn("meera");
    const [name, secret] = cookieOf(browser, "me");
    const read = await world.node.request("GET", "/registries/wells/records", {
      headers: { accept: "application/json", cookie: `${name}=${secret}` },
    });
    expect([read.status, read.body.code]).toEqual([401, "authentication_required"]);
    const bearer = await world.node.request("GET", "/registries/wells/records", { token: secret });
    expect([bearer.status, bearer.body.code]).toEqual([401, "token_invalid"]);
  });
});

describe("a citizen's session", () => {
  it("has a new secret after every sign-in: one that was planted before never becomes anybody's", async () => {
    const attacker = await signedIn("ravi");
    const [name, planted] = cookieOf(attacker, "me");
    const victim = createBrowserJar(new Map([[origin, new Map([[name, planted]])]]));
    await world.signIn(victim, "meera", { to: "/me" });
    expect(cookieOf(victim, "me")[1]).not.toBe(planted);
    expect(await isIn(attacker)).toBe(false);
  });

  it("is over for everybody who has its cookie once its person signs out, and offers to sign out at the provider", async () => {
    const browser = await signedIn();
    const thief = browser.copy();
    expect(await isIn(thief)).toBe(true);
    const page = await browser.visit(`${base}/me/sign-out`, { form: { form_token: await formTokenOf(browser) } });
    const signOut = new URL(/href="([^"]*session\/end[^"]*)"/.exec(page.text)![1]!.replaceAll("&amp;", "&"));
    expect(signOut.searchParams.get("post_logout_redirect_uri")).toBe(`${base}/me/sign-in`);
    expect((await browser.request("GET", signOut.href)).status).toBe(200);
    expect(await isIn(thief)).toBe(false);
  });

  it("ends when nobody was there for a while, and after a day whatever happens", async () => {
    const idle = await signedIn();
    ahead = SESSION_IDLE_SECONDS - 5;
    expect(await isIn(idle)).toBe(true);
    ahead += SESSION_IDLE_SECONDS + 5;
    expect(await isIn(idle)).toBe(false);
    ahead = 0;
    const busy = await signedIn();
    while (ahead < SESSION_SECONDS - SESSION_IDLE_SECONDS) {
      ahead += SESSION_IDLE_SECONDS - 60;
      expect(await isIn(busy)).toBe(true);
    }
    ahead = SESSION_SECONDS + 1;
    expect(await isIn(busy)).toBe(false);
  });

  it("leaves nothing in the database that says who it is, or opens anything", async () => {
    const browser = await signedIn("meera");
    const [name, secret] = cookieOf(browser, "me");
    const rows = await table();
    const text = rows
      .map((row) =>
        Object.values(row)
          .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
          .join(" "),
      )
      .join("\n");
    const { claims } = ACCOUNTS.meera;
    for (const told of [secret, "Meera", "Rao", "meera", claims.national_id, world.provider.issuer])
      expect([told, text.includes(told)]).toEqual([told, false]);
    for (const { secret_hash } of rows) {
      const thief = createBrowserJar(new Map([[origin, new Map([[name, String(secret_hash)]])]]));
      expect(await isIn(thief)).toBe(false);
    }
    const elsewhere = await world.node.database.database.sql`select * from session`;
    expect(JSON.stringify(elsewhere)).not.toContain("Meera");
  });
});

describe("a citizen's form", () => {
  it("is refused without its session's token, with another's, and where another site sent it", async () => {
    const [browser, other] = [await signedIn(), await signedIn("ravi")];
    const send = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      browser.request("POST", `${base}/me/sign-out`, { form, headers });
    const form_token = await formTokenOf(browser);
    for (const [form, headers] of [
      [{}, {}],
      [{ form_token: "A".repeat(43) }, {}],
      [{ form_token: await formTokenOf(other) }, {}],
      [{ form_token }, { "sec-fetch-site": "cross-site" }],
      [{ form_token }, { origin: "https://evil.example" }],
    ] as [Record<string, string>, Record<string, string>][]) {
      const page = await send(form, headers);
      expect([page.status, codeOf(page)]).toEqual([403, "form_token_invalid"]);
    }
    expect(await isIn(browser)).toBe(true);
  });
});

describe("the language of /me", () => {
  it("is the browser's, until the reader chooses another, and is kept", async () => {
    const browser = await signedIn();
    const titleOf = async (language: string) => {
      const page = await browser.request("GET", `${base}/me`, { headers: { "accept-language": language } });
      return [/<html lang="(\w+)" dir="(\w+)"/.exec(page.text)!.slice(1, 3), page.headers.get("content-language")];
    };
    expect(await titleOf("hi-IN,en;q=0.8")).toEqual([["hi", "ltr"], "hi"]);
    expect(await titleOf("fr,en;q=0.5")).toEqual([["en", "ltr"], "en"]);
    const query = new URLSearchParams({ to: "hi", return_to: "/water/me" });
    const chosen = await browser.request("GET", `${base}/me/language?${query}`);
    expect([chosen.status, chosen.headers.get("location")]).toEqual([303, "/water/me"]);
    expect(await titleOf("en")).toEqual([["hi", "ltr"], "hi"]);
    const wrong = new URLSearchParams({ to: "xx", return_to: "https://evil.example/" });
    const refused = await browser.request("GET", `${base}/me/language?${wrong}`);
    expect([refused.headers.get("location"), refused.headers.getSetCookie()]).toEqual(["/water/me", []]);
  });
});
