// The citizen's pages in a real browser, by the keyboard alone, on a desktop and a phone, in two languages and both directions of writing; and what they refuse.
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createVerifier } from "../../src/verification/verifier.ts";
import { type BrowserJar, createBrowserJar, hiddenField } from "../browser-jar.ts";
import { MEERA, type MeWorld, RAVI, startMeWorld } from "../me-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, tabTo } from "./staff-browser.ts";

const DAY = 86_400;
const PHONE = { viewport: { width: 360, height: 740 } };
const DESKTOP = { viewport: { width: 1280, height: 900 } };

let world: MeWorld;
let base: string;

beforeAll(async () => {
  if (process.env.ATTESTRY_PICTURES) mkdirSync(process.env.ATTESTRY_PICTURES, { recursive: true });
  world = await startMeWorld();
  base = world.entity;
}, 120_000);

afterAll(() => world?.close());

async function signedIn(account: string): Promise<BrowserJar> {
  const browser = createBrowserJar();
  const query = new URLSearchParams({ issuer: world.provider.issuer });
  const asked = await browser.visit(`${base}/me/sign-in/start?${query}`);
  const page = await browser.visit(asked.url, { form: { account } });
  expect([page.status, page.url]).toEqual([200, `${base}/me`]);
  return browser;
}

async function atDesk(account: string): Promise<BrowserJar> {
  const browser = createBrowserJar();
  const asked = await browser.visit(`${base}/sign-in/start?${new URLSearchParams({ issuer: world.provider.issuer })}`);
  expect((await browser.visit(asked.url, { form: { account } })).url).toBe(`${base}/console`);
  return browser;
}

/** A page's text without its markup and the marks that set names apart. */
const textOf = (page: { text: string }) =>
  page.text
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/[\u2068\u2069]/g, "")
    .replaceAll(/\s+/g, " ");

const codeOf = (page: { text: string }) => /<code dir="ltr">([a-z_]+)<\/code>/.exec(page.text)?.[1];
const stateOf = async (id: string) => (await world.civil.node.consents.get(world.person(MEERA), id)).state;
const isoDay = (seconds: number) => new Date(seconds * 1_000).toISOString().slice(0, 10);
const inDays = (days: number) => Math.floor(Date.now() / 1_000) + days * DAY;
/** What welfare gets of Meera's record by a consent: the fields, or why not. */
async function readBy(id: string) {
  const { records } = await world.resolve(world.meera.personsHref, { consentIds: [id] });
  const { data, outcome } = records[world.meera.personsHref]!;
  return data ? Object.keys(data).toSorted() : outcome;
}

describe("a citizen's pages over HTTP", () => {
  test("show all of one's own records, what each field means, and no record of anybody else", async () => {
    const page = await (await signedIn("meera")).request("GET", `${base}/me`);
    const text = textOf(page);
    for (const told of [
      "Signed in as Meera Rao",
      "National number 7310-4482-0916",
      "Date of birth March 7, 1988",
      "DL-2044 Driving licences In force",
      "Licence number DL-2044 Stands on the front of the card.",
      "Valid to May 1, 2031 The last day on which you may drive with it.",
    ])
      expect([told, text.includes(told)]).toEqual([told, true]);
    for (const hidden of ["Ravi", RAVI, "P-1", "P-2"]) expect([hidden, text.includes(hidden)]).toEqual([hidden, false]);
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
  });

  test("show nothing to whom no claim finds, and say where to go", async () => {
    const page = await (await signedIn("stranger")).request("GET", `${base}/me`);
    expect(textOf(page)).toContain("There is no record here that is surely yours.");
    expect(page.text).toContain('href="mailto:help@civil.example"');
    expect(page.text).not.toContain("7310");
  });

  test("give evidence of one's own record with all its fields, and of another's what strangers are told", async () => {
    const browser = await signedIn("meera");
    const evidenceOf = (path: string) => browser.request("GET", `${base}/me/records/${path}/evidence`);
    const own = await evidenceOf(`persons/${world.meera.persons}`);
    const { token } = JSON.parse(own.text) as { token: string };
    const disclosed = token
      .split("~")
      .slice(1, -1)
      .map((one) => JSON.parse(Buffer.from(one, "base64url").toString()) as unknown[])
      .map((one) => one.at(-1));
    expect(disclosed).toEqual(expect.arrayContaining([MEERA, "Meera Rao", "1988-03-07", "555-0101"]));
    const verifier = createVerifier({ anchors: [world.anchor.pin(["persons"])], statusMaxAgeSeconds: 300 });
    const report = await verifier.verify(JSON.parse(own.text), { now: inDays(0) });
    // As good as a paper copy: who shows it has to be looked at.
    const bound = report.checks.filter(({ check }) => check === "binding").map(({ code }) => code);
    expect([report.verdict, bound]).toEqual(["valid", ["passed_as_copy"]]);
    expect([own.headers.get("cache-control"), own.headers.get("content-disposition")]).toEqual([
      "private, no-store",
      `attachment; filename="persons-${world.meera.persons}-evidence.json"`,
    ]);
    for (const path of [`persons/${world.ravi.persons}`, `licences/${world.meera.persons}`, "persons/nothing"]) {
      const page = await evidenceOf(path);
      expect([path, page.status, codeOf(page)]).toEqual([path, 404, "record_unknown"]);
    }
    expect(
      (await createBrowserJar().request("GET", `${base}/me/records/persons/${world.meera.persons}/evidence`)).status,
    ).toBe(303);
  });

  test("give one file with all of it, and nothing of anybody else", async () => {
    const file = await (await signedIn("meera")).request("GET", `${base}/me/download/data`);
    const { records, permissions } = JSON.parse(file.text) as {
      records: { registry: string; data: Record<string, unknown>; evidence: { token: string } }[];
      permissions: unknown[];
    };
    expect(records.map(({ registry }) => registry).toSorted()).toEqual(["licences", "persons"]);
    expect(records.find(({ registry }) => registry === "persons")!.data).toMatchObject({ phone: "555-0101" });
    expect(Array.isArray(permissions)).toBe(true);
    expect(file.text).not.toContain(RAVI);
    expect(file.headers.get("content-disposition")).toBe('attachment; filename="my-data.json"');
  });

  test("take no answer that another site sent, that chooses nothing, or an end that was not asked for", async () => {
    const { id } = await world.ask(MEERA);
    const browser = await signedIn("meera");
    const asked = await browser.request("GET", `${base}/me/consents/${id}`);
    const form_token = hiddenField(asked.text, "form_token")!;
    const give = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      browser.request("POST", `${base}/me/consents/${id}/give`, { form, headers });
    const until = isoDay(inDays(20));
    const forged = await give({ field: "name", until });
    expect([forged.status, codeOf(forged)]).toEqual([403, "form_token_invalid"]);
    const foreign = await give({ form_token, field: "name", until }, { "sec-fetch-site": "cross-site" });
    expect([foreign.status, codeOf(foreign)]).toEqual([403, "form_token_invalid"]);
    for (const [form, told] of [
      [{ form_token, until }, "Tick at least one field, or refuse."],
      [{ form_token, field: "phone", until }, "Tick at least one field, or refuse."],
      [{ form_token, field: "name", until: isoDay(inDays(60)) }, "Choose a day from"],
      [{ form_token, field: "name", until: isoDay(inDays(-2)) }, "Choose a day from"],
      [{ form_token, field: "name", until: "soon" }, "Choose a day from"],
    ] as [Record<string, string>, string][]) {
      const page = await give(form);
      expect([form, page.status, textOf(page).includes(told)]).toEqual([form, 422, true]);
    }
    expect(await stateOf(id)).toBe("requested");
    // Decided in another window meanwhile: said so, and nothing is done.
    await world.civil.node.consents.decide(world.person(MEERA), id, "refuse");
    const late = await give({ form_token, field: "name", until });
    expect(textOf(late)).toContain("This has changed in the meantime.");
    expect(await stateOf(id)).toBe("refused");
  });

  test("show and change no permission of anybody else", async () => {
    const { id } = await world.ask(MEERA);
    const browser = await signedIn("ravi");
    const page = await browser.request("GET", `${base}/me/consents/${id}`);
    expect([page.status, codeOf(page)]).toEqual([404, "consent_unknown"]);
    const own = await browser.request("GET", `${base}/me`);
    const form_token = hiddenField(own.text, "form_token")!;
    for (const act of ["give", "refuse", "pause", "resume", "withdraw", "invalidate"]) {
      const form = { form_token, field: "name", until: isoDay(inDays(20)) };
      const answer = await browser.request("POST", `${base}/me/consents/${id}/${act}`, { form });
      // The last is for the office alone: there is no such address.
      expect([act, answer.status]).toEqual([act, act === "invalidate" ? 405 : 404]);
    }
    expect(textOf(await browser.request("GET", `${base}/me/consents`))).toContain("Nobody has asked");
    expect(await stateOf(id)).toBe("requested");
    await world.civil.node.consents.decide(world.person(MEERA), id, "refuse");
  });
});

test("whoever chose to be told is told alone, by a form of the page, and a download holds it", async () => {
  const [meera, ravi] = [await signedIn("meera"), await signedIn("ravi")];
  const form_token = hiddenField((await meera.request("GET", `${base}/me/notifications`)).text, "form_token")!;
  const save = (form: Record<string, string>, from = meera) =>
    from.request("POST", `${base}/me/notifications/save`, { form });
  const chosen = { event: "reading", address: "+00 555 0101" };
  for (const [form, from] of [
    [chosen, meera],
    [{ ...chosen, form_token }, ravi],
  ] as const)
    expect(codeOf(await save(form, from))).toBe("form_token_invalid");
  // What this department does not tell of is nothing that can be chosen.
  const wrong = await save({ form_token, event: "erased", address: " " });
  expect([wrong.status, textOf(wrong).includes("Write one address on one line")]).toEqual([422, true]);
  expect((await save({ form_token, ...chosen })).status).toBe(303);
  const dataOf = async (from: BrowserJar) =>
    (JSON.parse((await from.request("GET", `${base}/me/download/data`)).text) as { notifications?: unknown })
      .notifications;
  expect(await dataOf(meera)).toEqual({ address: "+00 555 0101", events: ["reading"] });
  expect(await dataOf(ravi)).toBeUndefined();
  expect(textOf(await ravi.request("GET", `${base}/me/notifications`))).toContain("You are told of nothing");
  const remove = (form: Record<string, string>) => meera.request("POST", `${base}/me/notifications/remove`, { form });
  expect((await remove({})).status).toBe(403);
  expect((await remove({ form_token })).status).toBe(303);
  expect(await dataOf(meera)).toBeUndefined();
});

test("somebody who acts for a child decides for it, and is told for whom", async () => {
  const child = "0021-8873-1105";
  const { id } = await world.ask(child, { fields: ["born"] });
  const browser = await signedIn("meera");
  expect((await browser.request("GET", `${base}/me/consents/${id}`)).status).toBe(404);
  const born = isoDay(inDays(-2_000));
  const registrar = await world.civil.token("registrar");
  const json = { data: { child_id: child, mother_id: MEERA, born } };
  const birth = await world.civil.request("POST", "/registries/births/records", { token: registrar, json });
  expect(birth.status, birth.text).toBe(201);
  const person = await world.addPerson({ national_id: child, name: "Tara Rao", born });
  const page = await browser.request("GET", `${base}/me/consents/${id}`);
  expect(textOf(page)).toContain(`For somebody whom you act for: ${child}`);
  const form = { form_token: hiddenField(page.text, "form_token")!, field: "born", until: isoDay(inDays(20)) };
  expect((await browser.request("POST", `${base}/me/consents/${id}/give`, { form })).status).toBe(303);
  const { records } = await world.resolve(person.href, { consentIds: [id] });
  expect(records[person.href]!.data).toEqual({ born });
  // The child's records stay the child's; that its data were looked at is told.
  expect(textOf(await browser.request("GET", `${base}/me`))).not.toContain("Tara Rao");
  expect(textOf(await browser.request("GET", `${base}/me/usage`))).toContain(
    "This was about somebody whom you act for.",
  );
});

test("a question about a record goes to who answers for its registry, and the answer comes to the person's page alone", async () => {
  const browser = await signedIn("meera");
  const topic = { registry: "persons", rid: world.meera.persons };
  const asked = await browser.request("GET", `${base}/me/questions/new?${new URLSearchParams(topic)}`);
  expect(textOf(asked)).toContain("It is about your record in “Persons”.");
  const form_token = hiddenField(asked.text, "form_token")!;
  const send = (form: Record<string, string>, from = browser) =>
    from.request("POST", `${base}/me/questions/send`, { form });
  expect((await send({ ...topic, text: "My street is <b>wrong</b>." })).status).toBe(403);
  const empty = await send({ form_token, ...topic, text: "  " });
  expect([empty.status, textOf(empty).includes("Write something first")]).toEqual([422, true]);
  expect((await send({ form_token, ...topic, text: "My street is <b>wrong</b>." })).status).toBe(303);
  const licence = { registry: "licences", rid: world.meera.licence };
  expect((await send({ form_token, ...licence, text: "The last day is wrong." })).status).toBe(303);
  // Nobody asks about what is another's, or about a look that there is not.
  const ravi = await signedIn("ravi");
  const foreign = hiddenField((await ravi.request("GET", `${base}/me`)).text, "form_token")!;
  for (const other of [topic, { look: "0" }, { look: "999999" }, { registry: "nothing", rid: "x" }]) {
    const refused = await send({ form_token: foreign, text: "What?", ...(other as Record<string, string>) }, ravi);
    expect([other, refused.status]).toEqual([other, 404]);
  }
  expect(textOf(await ravi.request("GET", `${base}/me/questions`))).toContain("You have asked nothing yet.");

  // Nothing of it stands in clear, and a role that answers nothing sees nothing.
  const rows = await world.civil.database.database.sql`select * from question`;
  const stored = rows.map((row) => Buffer.from(row.sealed as Uint8Array).toString("latin1")).join();
  expect([rows.length, /street|Meera|7310/.test(stored)]).toEqual([2, false]);
  const reader = await atDesk("asha");
  expect(textOf(await reader.request("GET", `${base}/console/questions`))).toContain(
    "Nothing waits for you in this role.",
  );
  const registrar = await atDesk("rosa");
  const desk = await registrar.request("GET", `${base}/console/questions`);
  expect(textOf(desk)).toContain("Asks for a correction: Meera Rao");
  expect(desk.text).toContain("My street is &lt;b&gt;wrong&lt;/b&gt;.");
  expect(textOf(desk)).not.toContain("The last day is wrong.");
  const id = hiddenField(desk.text, "id")!;
  const other = rows.find((row) => row.id !== id)!.id as string;
  const answer = (from: BrowserJar, token: string, form: Record<string, string>) =>
    from.request("POST", `${base}/console/questions/answer`, { form: { form_token: token, ...form } });
  const tokens = {
    reader: hiddenField((await reader.request("GET", `${base}/console`)).text, "form_token")!,
    registrar: hiddenField(desk.text, "form_token")!,
  };
  expect((await answer(registrar, "A".repeat(43), { id, text: "x" })).status).toBe(403);
  expect((await answer(reader, tokens.reader, { id, text: "No." })).status).toBe(403);
  expect((await answer(registrar, tokens.registrar, { id: other, text: "No." })).status).toBe(403);
  expect((await answer(registrar, tokens.registrar, { id, text: "We corrected it today." })).status).toBe(303);
  expect((await answer(registrar, tokens.registrar, { id, text: "Once more." })).status).toBe(404);
  const told = textOf(await browser.request("GET", `${base}/me/questions`));
  expect(told).toMatch(/a registrar of this department answered: We corrected it today\./);
  expect(told).toContain("Waits for an answer.");
});

describe("the looks at one's data", () => {
  test("stand there in plain words, newest first, each with a proof, to be filtered; and only one's own", async () => {
    const { id } = await world.ask(MEERA, { case: "HA-7" });
    await world.civil.node.consents.give(world.person(MEERA), id, { language: "en", fields: ["born"] });
    const { records } = await world.resolve(world.meera.personsHref, { consentIds: [id], case: "HA-7" });
    const { index } = records[world.meera.personsHref]!.reading as unknown as { index: number };
    const clerk = await world.civil.token("reader");
    await world.civil.request("GET", `/registries/persons/records/${world.meera.persons}`, { token: clerk });
    const browser = await signedIn("meera");
    await browser.request("GET", `${base}/me`);
    const today = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" }).format(Date.now());
    const looks = await browser.request("GET", `${base}/me/usage`);
    const text = textOf(looks);
    const sentences = [
      `On ${today}, you looked at your own data 2 times.`,
      `On ${today}, a member of staff of this department looked at your`,
      `On ${today}, Department of Social Welfare looked at your date of birth for deciding on a benefit (their number: HA-7), because you allowed it on ${today}.`,
      `On ${today}, you gave a permission that Department of Social Welfare asked for, for deciding on a benefit.`,
    ];
    const places = sentences.map((sentence) => text.indexOf(sentence));
    expect(places.includes(-1), `${places} ${text}`).toBe(false);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(text).toContain("nothing was changed or taken out");
    const filtered = textOf(
      await browser.request("GET", `${base}/me/usage?${new URLSearchParams({ by: world.welfare.entity })}`),
    );
    expect(filtered).toContain("looked at your date of birth");
    expect(filtered).not.toContain("a member of staff");
    const other = textOf(await browser.request("GET", `${base}/me/usage?purpose=statistics`));
    expect(other).toContain("No look at your data fits what you chose.");

    const proof = JSON.parse((await browser.request("GET", `${base}/me/usage/${index}/proof`)).text) as {
      event: string;
      receipt: string;
    };
    const event = JSON.parse(Buffer.from(proof.event.split(".")[1]!, "base64url").toString()) as object;
    expect(event).toMatchObject({
      by: { entity: world.welfare.entity },
      fields: ["born"],
      purpose: "benefit-decision",
    });
    expect(proof.receipt).toContain(`index ${index}`);
    expect(looks.text).toContain(`/me/questions/new?look=${index}"`);
    const ask = await browser.request("GET", `${base}/me/questions/new?look=${index}`);
    const form = { form_token: hiddenField(ask.text, "form_token")!, look: String(index), kind: "dispute" };
    const send = (from: BrowserJar, token: string) =>
      from.request("POST", `${base}/me/questions/send`, { form: { ...form, form_token: token, text: "Why?" } });
    expect((await send(browser, form.form_token)).status).toBe(303);
    expect(textOf(await browser.request("GET", `${base}/me/questions`))).toContain(
      `I think this look was wrong. It is about entry ${index} of the log of looks.`,
    );
    const ravi = await signedIn("ravi");
    const foreign = hiddenField((await ravi.request("GET", `${base}/me`)).text, "form_token")!;
    expect((await send(ravi, foreign)).status).toBe(404);
    expect((await ravi.request("GET", `${base}/me/usage/${index}/proof`)).status).toBe(404);
    expect(textOf(await ravi.request("GET", `${base}/me/usage`))).not.toContain("Social Welfare looked");
  });
});

describe.skipIf(chromiumPath === undefined)("a citizen's pages in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function enter(page: Page): Promise<void> {
    await page.goto(`${base}/me`);
    await pressOn(page, { text: "Sign in with My Identity" }.text);
    await pressOn(page, "Meera Rao");
    await page.waitForURL(`${base}/me`);
  }

  const says = async (page: Page, text: string) =>
    expect((await page.innerText("body")).replaceAll(/[\u2068\u2069]/g, "")).toContain(text);

  test("by the keyboard: a request is narrowed and allowed, paused, let go on and withdrawn, and each holds at once", async () => {
    const { id } = await world.ask(MEERA, { fields: ["name", "born"] });
    const { page, complaints } = await openPage(browser, DESKTOP);
    await page.goto(`${base}/me`);
    await checkLook(page, "sign-in");
    await enter(page);
    await says(page, "Department of Social Welfare asks");
    await checkLook(page, "home-1280");
    await pressOn(page, "Look and decide");
    await says(page, "The office reads this to decide on your application.");
    await checkLook(page, "request-1280");
    // The name is not to be told.
    await tabTo(page, { id: "field-0" });
    await page.keyboard.press("Space");
    await pressOn(page, { button: "Allow what is ticked" });
    await says(page, "You allowed it.");
    expect(await readBy(id)).toEqual(["born"]);
    await pressOn(page, { button: "Pause" });
    await says(page, "Paused. They see nothing until you let it go on.");
    expect(await readBy(id)).toBe("consent_paused");
    await pressOn(page, { button: "Let it go on" });
    expect(await readBy(id)).toEqual(["born"]);
    await tabTo(page, { text: "Withdraw" });
    await page.keyboard.press("Enter");
    await checkLook(page, "withdraw-1280");
    await pressOn(page, { button: "Yes, withdraw now" });
    await says(page, "Withdrawn. They see nothing more by this permission.");
    expect(await readBy(id)).toBe("consent_withdrawn");
    await pressOn(page, "My permissions");
    await says(page, "Withdrawn by you");
    await checkLook(page, "consents-1280");
    await pressOn(page, { button: "Sign out" });
    await says(page, "You are signed out here");
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 120_000);

  test("by the keyboard: where and of what to be told is chosen, corrected and taken back", async () => {
    const { page, complaints } = await openPage(browser, DESKTOP);
    await enter(page);
    await pressOn(page, "Be told");
    await says(page, "You are told of nothing at the moment.");
    await checkLook(page, "notifications-off-1280");
    await tabTo(page, { id: "address" });
    await page.keyboard.type("meera@mail.example");
    await pressOn(page, { button: "Save" });
    await says(page, "Tick at least one of these.");
    await checkLook(page, "notifications-fault-1280");
    await tabTo(page, { id: "event-reading" });
    await page.keyboard.press("Space");
    await pressOn(page, { button: "Save" });
    await says(page, "Saved. From now on you are told.");
    await checkLook(page, "notifications-on-1280");
    expect(await page.inputValue("#address")).toBe("meera@mail.example");
    expect(await page.isChecked("#event-consent_requested")).toBe(false);
    await pressOn(page, { button: "Tell me nothing any more" });
    await says(page, "You are told of nothing any more");
    expect(await page.inputValue("#address")).toBe("");
    // The form that lacked a tick.
    expect(complaints).toEqual([expect.stringContaining("422")]);
    await page.context().close();
  }, 120_000);

  test("who answers sees what waits, by the keyboard", async () => {
    const { page, complaints } = await openPage(browser, DESKTOP);
    const citizen = await signedIn("meera");
    const form_token = hiddenField((await citizen.request("GET", `${base}/me`)).text, "form_token")!;
    const form = { form_token, registry: "persons", rid: world.meera.persons, text: "Please look at my street." };
    await citizen.request("POST", `${base}/me/questions/send`, { form });
    await page.goto(`${base}/sign-in`);
    await pressOn(page, "Sign in with My Identity");
    await pressOn(page, "Rosa Lind");
    await pressOn(page, "Questions of people");
    await checkLook(page, "desk-questions-1280");
    await page.keyboard.press("Tab");
    await page.locator("textarea").first().focus();
    await page.keyboard.type("It is corrected.");
    await pressOn(page, { button: "Send the answer to Meera Rao" });
    await says(page, "The answer was sent.");
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 120_000);

  test("on a phone: one time only until an earlier day, a refusal, and nothing wider than the screen in either language and direction", async () => {
    const [once, other, open] = [await world.ask(MEERA), await world.ask(MEERA), await world.ask(MEERA)];
    const { page, complaints } = await openPage(browser, PHONE);
    await enter(page);
    await page.goto(`${base}/me/consents/${once.id}`);
    const early = isoDay(inDays(3));
    await page.fill("#until", early);
    await tabTo(page, { id: "once" });
    await page.keyboard.press("Space");
    await pressOn(page, { button: "Allow what is ticked" });
    const { oneTime, expiresAt, fields } = await world.civil.node.consents.get(world.person(MEERA), once.id);
    expect([oneTime, new Date(expiresAt * 1_000).toISOString(), fields]).toEqual([
      true,
      `${early}T23:59:59.000Z`,
      ["name", "born"],
    ]);
    await page.goto(`${base}/me/consents/${other.id}`);
    await pressOn(page, { button: "Refuse" });
    expect(await stateOf(other.id)).toBe("refused");
    await pressOn(page, "हिन्दी");
    await says(page, "आपने मना किया");
    expect(await page.getAttribute("html", "lang")).toBe("hi");
    for (const [name, path] of [
      ["home", "/me"],
      ["request", `/me/consents/${open.id}`],
      ["given", `/me/consents/${once.id}`],
      ["consents", "/me/consents"],
      ["usage", "/me/usage"],
      ["notifications", "/me/notifications"],
      ["question", "/me/questions/new?look=0"],
      ["questions", "/me/questions"],
      ["download", "/me/download"],
    ] as const) {
      await page.goto(`${base}${path}`);
      if (!["download", "given", "questions"].includes(name)) await checkLook(page, `${name}-hi-360`);
      // From right to left nothing may stick out; a phone is where it would.
      await page.evaluate(() => {
        document.documentElement.dir = "rtl";
      });
      expect([name, await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)]).toEqual([
        name,
        0,
      ]);
      if (process.env.ATTESTRY_PICTURES)
        await page.screenshot({ fullPage: true, path: `${process.env.ATTESTRY_PICTURES}/${name}-rtl-360.png` });
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 120_000);
});

// The last: from here on the log is broken.
describe("the list of looks", () => {
  test("tells when the database was changed behind the log's back", async () => {
    const browser = await signedIn("meera");
    const { sql } = world.civil.database.database;
    const [event] = await sql`select log_index, sealed from access_event order by log_index limit 1`;
    await sql`delete from access_event where log_index = ${event!.log_index as number}`;
    const page = textOf(await browser.request("GET", `${base}/me/usage`));
    expect(page).toContain("Something is wrong with this list");
    expect(page).toContain("help@civil.example");
  });
});
