// The staff's pages of registries and records over real HTTP: who may do what, what a form keeps, what happens when two write at once.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { type BrowserJar, createBrowserJar, hiddenField, type Visit } from "../browser-jar.ts";
import { type DESK_ACCOUNTS, type DeskWorld, startDeskWorld } from "../desk-world.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

let world: DeskWorld;
let base: string;
const browsers = new Map<string, BrowserJar>();

async function browserOf(account: keyof typeof DESK_ACCOUNTS): Promise<BrowserJar> {
  const known = browsers.get(account) ?? createBrowserJar();
  if (!browsers.has(account)) await world.signIn(known, account);
  browsers.set(account, known);
  return known;
}

beforeAll(async () => {
  world = await startDeskWorld();
  base = `${world.health.entity}/console`;
}, 60_000);

afterAll(async () => world?.close());

const FORM = `/registries/health-facilities/new`;

/** What a person fills in, with what the page brings along. */
function fill(page: Visit, values: Record<string, string>): Record<string, string> {
  const brought = ["form_token", "key", "expected"].flatMap((name) => {
    const value = hiddenField(page.text, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(brought), ...values };
}

let licences = 1000;
function facility(values: Record<string, string> = {}): Record<string, string> {
  licences += 1;
  return {
    "/data/name": `Facility ${licences}`,
    "/data/licence": `PB-${licences}`,
    "/data/kind": "clinic",
    "/data/address/street": "Mall Road 1",
    "/data/address/district": String(world.districts["PB-15"].href),
    "/data/opened": "2020-04-01",
    "/act/reason": "inspection",
    ...values,
  };
}

async function send(
  browser: BrowserJar,
  path: string,
  values: Record<string, string>,
  options: { headers?: Record<string, string>; page?: Visit } = {},
): Promise<Visit> {
  const page = options.page ?? (await browser.visit(`${base}${path}`));
  return browser.request("POST", `${base}${path}`, {
    form: fill(page, values),
    ...(options.headers && { headers: options.headers }),
  });
}

/** The record that a redirect leads to, by the API. */
async function readWritten(visit: Visit, registry = "health-facilities"): Promise<JsonObject> {
  expect([visit.status, /<li>.*/s.exec(visit.text)?.[0].slice(0, 600)]).toEqual([303, undefined]);
  const rid = /records\/([0-9a-f-]{36})\?done=/.exec(visit.headers.get("location") ?? "")?.[1];
  const token = await world.health.token("reader");
  return (await world.health.request("GET", `/registries/${registry}/records/${rid}`, { token })).body;
}

async function countFacilities(): Promise<number> {
  const answer = await world.health.request("GET", "/registries/health-facilities/records?count=true");
  return (answer.body.count as JsonObject).value as number;
}

describe("a form made of a definition", () => {
  test("creates a record of all kinds of fields, and amends it by what was changed alone", async () => {
    const rita = await browserOf("rita");
    const written = await send(rita, FORM, {
      ...facility({ "/data/name": "Civil Hospital", "/data/kind": "hospital" }),
      "/data/beds": "120",
      "/data/is_emergency": "true",
      "/data/head": " Dr. A. Singh ",
      "/data/remarks": "First line.\r\nSecond line.",
      "/valid_from": "2020-04-01",
      "/act/note": "seen on site",
    });
    const view = await readWritten(written);
    const { licence } = view.data as JsonObject;
    expect(view.data).toEqual({
      name: "Civil Hospital",
      licence,
      kind: "hospital",
      address: { street: "Mall Road 1", district: world.districts["PB-15"].href },
      opened: "2020-04-01",
      beds: 120,
      is_emergency: true,
      head: "Dr. A. Singh",
      remarks: "First line.\nSecond line.",
    });
    expect(view.valid_from).toBe("2020-04-01");
    const path = `/registries/health-facilities/records/${view.rid}/amend`;
    const page = await rita.visit(`${base}${path}`);
    expect(page.text).toContain('value="Civil Hospital"');
    const amended = await readWritten(
      await send(rita, path, {
        ...facility({ "/data/name": "Civil Hospital", "/data/kind": "hospital" }),
        "/data/licence": String(licence),
        "/data/beds": "140",
        "/data/is_emergency": "",
        "/data/head": "Dr. A. Singh",
        "/data/remarks": "First line.\r\nSecond line.",
        "/valid_from": "2020-04-01",
        "/act/reason": "correction",
      }),
    );
    const { is_emergency: _gone, ...rest } = view.data as JsonObject;
    expect([amended.version, amended.data]).toEqual([2, { ...rest, beds: 140 }]);
  });

  test("takes rows of lists, nested ones too, with and without a script", async () => {
    const rita = await browserOf("rita");
    const page = await rita.visit(`${base}${FORM}`);
    const typed = facility({ "/data/languages/0": "Punjabi" });
    const form = new URLSearchParams(fill(page, typed));
    form.append("row", "/data/languages/0");
    form.append("do", "add:/data/departments");
    const post = (body: URLSearchParams) =>
      rita.request("POST", `${base}${FORM}`, { form: body as unknown as Record<string, string> });
    const longer = await post(form);
    expect(longer.status).toBe(200);
    expect(longer.text).toContain('name="/data/departments/0/name"');
    // What was typed is kept, and the new row has the focus.
    expect(longer.text).toMatch(/<fieldset[^>]* id="field-data-departments-0"[^>]* autofocus=""/);
    expect(longer.text).toContain(`value="${typed["/data/licence"]}"`);
    expect(longer.text).toMatch(/<input type="hidden" name="row" value="\/data\/languages\/0"\/>/);
    form.delete("do");
    for (const row of ["/data/languages/7", "/data/departments/3", "/data/departments/3/days/0", "/data/departments/4"])
      form.append("row", row);
    form.set("/data/languages/7", "Hindi");
    form.set("/data/departments/3/name", "Surgery");
    form.set("/data/departments/3/beds", "12");
    form.set("/data/departments/3/days/0", "mon");
    const view = await readWritten(await post(form));
    const { languages, departments } = view.data as JsonObject;
    expect(languages).toEqual(["Punjabi", "Hindi"]);
    expect(departments).toEqual([{ name: "Surgery", beds: 12, days: ["mon"] }]);
  });

  test("says beside each field what is to be mended, and keeps all that was typed", async () => {
    const rita = await browserOf("rita");
    const before = await countFacilities();
    const answer = await send(
      rita,
      FORM,
      facility({
        "/data/name": "",
        "/data/licence": "<b>x",
        "/data/beds": "many",
        "/data/opened": "",
        "/data/website": "nowhere",
        "/act/reason": "",
      }),
    );
    expect(answer.status).toBe(422);
    expect(answer.text).toContain("<h1>Not saved yet: New record</h1>");
    for (const [id, words] of [
      ["field-data-name", "Fill this in."],
      ["field-data-beds", "Write a number"],
      ["field-data-licence", "not in the form"],
      ["field-data-opened", "Fill this in."],
      ["field-data-website", "Write a whole address"],
    ] as const) {
      expect(answer.text).toMatch(new RegExp(`<a href="#${id}">[\\s\\S]*?${words}`));
      expect(answer.text).toMatch(new RegExp(`id="${id}-fault"[^>]*>${words}|id="${id}-fault"[^>]*>[^<]*${words}`));
    }
    expect(answer.text).toContain('value="&lt;b&gt;x"');
    expect(answer.text).toContain('value="many"');
    expect(answer.text).toContain('value="Mall Road 1"');
    // The data comes first: what else the definition asks for is told once they are right.
    const next = await send(rita, FORM, facility({ "/act/reason": "" }));
    expect([next.status, /href="#field-act-reason"/.test(next.text)]).toEqual([422, true]);
    expect(await countFacilities()).toBe(before);
  });

  test("makes one record of a form that is sent twice", async () => {
    const rita = await browserOf("rita");
    const page = await rita.visit(`${base}${FORM}`);
    const values = facility();
    const before = await countFacilities();
    const [first, second] = await Promise.all([send(rita, FORM, values, { page }), send(rita, FORM, values, { page })]);
    expect([first.status, second.status]).toEqual([303, 303]);
    expect(first.headers.get("location")).toBe(second.headers.get("location"));
    expect(await countFacilities()).toBe(before + 1);
    const other = await send(rita, FORM, { ...values, "/data/name": "Another" }, { page });
    expect([other.status, other.text.includes("This form was sent before")]).toEqual([409, true]);
  });

  test("shows what may be the same, and takes it as another once it is said why", async () => {
    const rita = await browserOf("rita");
    const first = await readWritten(await send(rita, FORM, facility({ "/data/name": "City Clinic" })));
    const twin = facility({ "/data/name": "city  clinic" });
    const refused = await send(rita, FORM, twin);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain(`/console/registries/health-facilities/records/${first.rid}`);
    expect(refused.text).toContain("may be in the registry already");
    const taken = await readWritten(
      await send(rita, FORM, { ...twin, "/act/distinct": "another street" }, { page: refused }),
    );
    expect((taken.data as JsonObject).name).toBe("city  clinic");
  });

  test("tells of a value that another record has, and of a reference that leads nowhere", async () => {
    const rita = await browserOf("rita");
    const known = await readWritten(await send(rita, FORM, facility()));
    const { licence } = known.data as JsonObject;
    const same = await send(rita, FORM, facility({ "/data/licence": String(licence) }));
    expect([same.status, same.text.includes("another record has a value that must be unique")]).toEqual([409, true]);
    expect(same.text).toContain('href="#field-data-licence"');
    const district = String(world.districts["PB-15"].href).replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const lost = await send(rita, FORM, facility({ "/data/address/district": district }));
    expect([lost.status, /href="#field-data-address-district"/.test(lost.text)]).toEqual([422, true]);
  });
});

describe("a registry in which others approve", () => {
  test("takes a proposal, says so, and has no record yet", async () => {
    const rita = await browserOf("rita");
    const path = "/registries/deeds";
    const page = await rita.visit(`${base}${path}/new`);
    expect(page.text).toContain("Propose it for approval");
    const sent = await send(rita, `${path}/new`, { "/data/code": "D1", "/data/name": "A deed" }, { page });
    expect(sent.status).toBe(303);
    expect(sent.headers.get("location")).toMatch(/^\/health\/console\/proposals\/[\w-]{22}\?done=proposed$/);
    const next = await rita.visit(new URL(sent.headers.get("location")!, base).href);
    expect([next.status, next.text.includes("A deed")]).toEqual([200, true]);
    expect((await rita.visit(`${base}${path}`)).text).not.toContain("A deed");
  });
});

describe("two who amend at once", () => {
  test("the second sees what the first changed, keeps the own words, and saves both", async () => {
    const rita = await browserOf("rita");
    const view = await readWritten(await send(rita, FORM, facility({ "/data/beds": "10" })));
    const path = `/registries/health-facilities/records/${view.rid}/amend`;
    const page = await rita.visit(`${base}${path}`);
    const calls = await createRecordCalls(world.health, "health-facilities");
    await calls.amend(view.rid, "1.0", {
      data: { beds: 20, address: { street: "Ring Road 9" } },
      act: { reason: "inspection" },
    });
    const data = view.data as JsonObject;
    const mine = {
      ...facility(),
      "/data/name": String(data.name),
      "/data/licence": String(data.licence),
      "/data/beds": "30",
      "/data/remarks": "mine",
    };
    const conflict = await send(rita, path, mine, { page });
    expect(conflict.status).toBe(409);
    expect(conflict.text).toContain("somebody else changed this record");
    expect(conflict.text).toContain("Ring Road 9");
    expect(conflict.text).toContain("Where you both changed the same");
    // The form has the other's street and the own number of beds.
    expect(conflict.text).toMatch(/name="\/data\/address\/street"[^>]*value="Ring Road 9"/);
    expect(conflict.text).toMatch(/name="\/data\/beds"[^>]*value="30"/);
    expect(hiddenField(conflict.text, "expected")).toBe("2.0");
    const saved = await readWritten(
      await send(rita, path, { ...mine, "/data/address/street": "Ring Road 9" }, { page: conflict }),
    );
    expect([saved.version, (saved.data as JsonObject).beds, (saved.data as JsonObject).remarks]).toEqual([
      3,
      30,
      "mine",
    ]);
    expect(((saved.data as JsonObject).address as JsonObject).street).toBe("Ring Road 9");
  });

  test("a form that changes nothing saves nothing, and says so", async () => {
    const rita = await browserOf("rita");
    const values = facility();
    const view = await readWritten(await send(rita, FORM, values));
    const path = `/registries/health-facilities/records/${view.rid}/amend`;
    const answer = await send(rita, path, values);
    expect([answer.status, answer.text.includes("Nothing is changed yet")]).toEqual([200, true]);
  });
});

describe("who may do what", () => {
  let wells: RecordCalls;
  let inside: JsonObject;
  let outside: JsonObject;

  beforeAll(async () => {
    const token = await world.health.token("registrar", { claims: { district: ["*"] } });
    wells = await createRecordCalls(world.health, "wells");
    const post = async (data: JsonObject) =>
      (await world.health.request("POST", "/registries/wells/records", { token, json: { data } })).body;
    inside = await post({ code: "W1", name: "Inner well", district: "021", owner: "Meena Rao" });
    outside = await post({ code: "W2", name: "Outer well", district: "099", owner: "Ivo Outer" });
    expect([inside.version, outside.version, typeof wells]).toEqual([1, 1, "object"]);
  });

  const statusOf = async (account: keyof typeof DESK_ACCOUNTS, path: string) =>
    (await (await browserOf(account)).request("GET", `${base}${path}`)).status;

  test("every role sees the pages that are its own", async () => {
    const record = () => `/registries/wells/records/${inside.rid}`;
    const paths = [
      "/registries",
      "/registries/wells",
      record(),
      "/registries/wells/new",
      `${record()}/amend`,
      `${record()}/erase`,
    ];
    const seen = async (account: keyof typeof DESK_ACCOUNTS) =>
      Promise.all(paths.map((path) => statusOf(account, path)));
    expect(await seen("dev")).toEqual([200, 200, 200, 200, 200, 200]);
    // Registrars without a claim have no well at all.
    expect(await seen("rita")).toEqual([200, 200, 403, 200, 403, 403]);
    expect(await seen("ravi")).toEqual([200, 200, 403, 403, 403, 403]);
    expect(await seen("abha")).toEqual([200, 200, 403, 403, 403, 403]);
    expect(await seen("anil")).toEqual([200, 403, 403, 403, 403, 403]);
    expect(await seen("omar")).toEqual([200, 403, 403, 403, 403, 403]);
    // A token's registries bind a session, too.
    expect(await statusOf("wells", "/registries/health-facilities")).toBe(403);
    const stranger = await createBrowserJar().request("GET", `${base}/registries/wells`);
    expect([stranger.status, stranger.headers.get("location")?.includes("/sign-in?return_to=")]).toEqual([303, true]);
  });

  test("a jurisdiction holds on pages as in the API", async () => {
    const dev = await browserOf("dev");
    const list = await dev.visit(`${base}/registries/wells`);
    expect([list.text.includes("Inner well"), list.text.includes("Outer well")]).toEqual([true, false]);
    const page = await dev.visit(`${base}/registries/wells/records/${inside.rid}`);
    expect(page.text).toContain("Meena Rao");
    expect(await statusOf("dev", `/registries/wells/records/${outside.rid}`)).toBe(403);
    expect(await statusOf("dev", `/registries/wells/records/${outside.rid}/amend`)).toBe(403);
    const found = await send(dev, "/registries/wells/search", { owner: "Meena Rao" }, { page: list });
    expect([found.status, found.text.includes("Inner well")]).toEqual([200, true]);
    const hidden = await send(dev, "/registries/wells/search", { owner: "Ivo Outer" }, { page: list });
    expect([hidden.status, hidden.text.includes("Outer well")]).toEqual([200, false]);
    // Nobody gives a record away, or takes one in, alone.
    const moved = await send(dev, "/registries/wells/new", {
      "/data/code": "W3",
      "/data/name": "x",
      "/data/district": "099",
    });
    expect(moved.status).toBe(403);
  });

  test("who reads what everybody reads is offered no change, and may make none", async () => {
    const token = await world.health.token("registrar", { claims: { district: ["*"] } });
    const data = { code: "P1", name: "Far pump", district: "099", owner: "Ivo Outer" };
    const { rid } = (await world.health.request("POST", "/registries/pumps/records", { token, json: { data } })).body;
    const path = `/registries/pumps/records/${rid}`;
    const page = await (await browserOf("dev")).visit(`${base}${path}`);
    expect([page.status, page.text.includes("Far pump"), page.text.includes("Ivo Outer")]).toEqual([200, true, false]);
    expect(page.text).not.toContain(`${path}/amend`);
    for (const below of ["amend", "suspend", "erase"]) expect(await statusOf("dev", `${path}/${below}`)).toBe(403);
  });

  test("a form of another session, of another site or of none is refused", async () => {
    const rita = await browserOf("rita");
    const values = facility();
    const before = await countFacilities();
    const foreign = await send(rita, FORM, values, { headers: { "sec-fetch-site": "cross-site" } });
    const page = await rita.visit(`${base}${FORM}`);
    const forged = await rita.request("POST", `${base}${FORM}`, {
      form: { ...fill(page, values), form_token: "A".repeat(43) },
    });
    const bare = await rita.request("POST", `${base}${FORM}`, { form: values });
    expect([foreign.status, forged.status, bare.status]).toEqual([403, 403, 403]);
    const ravi = await browserOf("ravi");
    const own = await ravi.visit(`${base}/registries`);
    const refused = await ravi.request("POST", `${base}${FORM}`, { form: fill(own, values) });
    expect(refused.status).toBe(403);
    expect(await countFacilities()).toBe(before);
  });
});

describe("changes of state", () => {
  test("ask first, say what is missing, and do it once", async () => {
    const rita = await browserOf("rita");
    const view = await readWritten(await send(rita, FORM, facility()));
    const record = `/registries/health-facilities/records/${view.rid}`;
    const bare = await send(rita, `${record}/suspend`, {});
    expect([bare.status, bare.text.includes('href="#field-act-reason"')]).toEqual([422, true]);
    const page = await rita.visit(`${base}${record}`);
    expect(page.text).toContain(`${record}/suspend"`);
    expect(page.text).not.toContain(`${record}/reinstate"`);
    const suspended = await readWritten(await send(rita, `${record}/suspend`, { "/act/reason": "inspection" }));
    expect(suspended.state).toBe("suspended");
    expect((await rita.visit(`${base}${record}`)).text).toContain(`${record}/reinstate"`);
    expect((await rita.request("GET", `${base}${record}/amend`)).status).toBe(409);
    expect((await rita.request("GET", `${base}${record}/suspend`)).status).toBe(409);
    const again = await readWritten(await send(rita, `${record}/reinstate`, {}));
    expect(again.state).toBe("active");
    const ended = await readWritten(
      await send(rita, `${record}/end`, {
        "/act/reason": "application",
        "/act/instrument": "Order 7/2026",
        "/effective": "2026-01-31",
      }),
    );
    expect(ended.state).toBe("ended");
  });

  test("erasing warns, asks for the ground, and leaves a page that says so", async () => {
    const rita = await browserOf("rita");
    const values = facility({ "/data/name": "Forgotten Clinic" });
    const view = await readWritten(await send(rita, FORM, values));
    const record = `/registries/health-facilities/records/${view.rid}`;
    const asked = await rita.visit(`${base}${record}/erase`);
    expect(asked.text).toContain("This destroys the record.");
    expect(asked.text).not.toContain('name="/act/note"');
    const missing = await send(rita, `${record}/erase`, { "/act/reason": "correction" });
    expect(missing.status).toBe(422);
    const done = await send(rita, `${record}/erase`, { "/act/reason": "correction", "/act/instrument": "Order 9" });
    const after = await rita.visit(`${world.health.entity.replace("/health", "")}${done.headers.get("location")}`);
    expect([after.status, after.text.includes("was destroyed"), after.text.includes("Forgotten")]).toEqual([
      200,
      true,
      false,
    ]);
  });

  test("two versions stand side by side, with what differs marked", async () => {
    const rita = await browserOf("rita");
    const values = facility({ "/data/beds": "10" });
    const view = await readWritten(await send(rita, FORM, values));
    const record = `/registries/health-facilities/records/${view.rid}`;
    await send(rita, `${record}/amend`, { ...values, "/data/beds": "11" });
    const page = await rita.visit(`${base}${record}?left=1&right=2`);
    const table = /<table[\s\S]*?<\/table>/.exec(page.text)?.[0] ?? "";
    const rows = [...table.matchAll(/<tr role="row" class="changed">([\s\S]*?)<\/tr>/g)].map(([, row]) => row!);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/Beds[\s\S]*changed[\s\S]*10[\s\S]*11/);
    expect((await rita.request("GET", `${base}${record}?left=1`)).status).toBe(400);
    expect((await rita.request("GET", `${base}${record}?left=1&right=9`)).status).toBe(404);
  });
});

describe("what a form's script asks", () => {
  const PDF = new TextEncoder().encode("%PDF-1.4 a licence");

  async function pick(
    account: keyof typeof DESK_ACCOUNTS,
    query: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: JsonObject }> {
    const browser = await browserOf(account);
    const token = hiddenField((await browser.visit(`${base}/registries`)).text, "form_token") ?? "";
    const asked = new URLSearchParams({ registry: "health-facilities", field: "/address/district", ...query });
    const { status, text } = await browser.request("GET", `${base}/pick?${asked}`, {
      headers: { accept: "application/json", "attestry-form-token": token, ...headers },
    });
    return { status, body: JSON.parse(text) as JsonObject };
  }

  test("finds records of another node by the beginning of their name and by their code, each once", async () => {
    const organisation = `Department at ${new URL(world.land.entity).port}`;
    const item = (code: keyof DeskWorld["districts"]) => ({
      href: world.districts[code].href,
      label: world.districts[code].display,
      registry: "districts",
      entity: world.land.entity,
      organisation,
    });
    const both = await pick("rita", { q: "Lud" });
    expect(both).toEqual({
      status: 200,
      body: { items: [item("PB-15"), item("PB-16")], asked: [organisation], silent: [], isCut: false },
    });
    expect((await pick("rita", { q: "KL-14" })).body.items).toEqual([item("KL-14")]);
    expect((await pick("rita", { q: "nowhere" })).body.items).toEqual([]);
    // A letter alone is looked for at home only.
    expect((await pick("rita", { q: "L" })).body).toEqual({ items: [], asked: [], silent: [], isCut: false });
  });

  test("asks nobody for who may not write, or whose request is not of an own page", async () => {
    const codeOf = async (...asked: Parameters<typeof pick>) => {
      const { status, body } = await pick(...asked);
      return `${status} ${String(body.code)}`;
    };
    expect(await codeOf("ravi", { q: "Lud" })).toBe("403 permission_denied");
    expect(await codeOf("wells", { q: "Lud" })).toBe("403 permission_denied");
    expect(await codeOf("rita", { q: "Lud" }, { "attestry-form-token": "x" })).toBe("403 form_token_invalid");
    expect(await codeOf("rita", { q: "Lud" }, { "sec-fetch-site": "cross-site" })).toBe("403 form_token_invalid");
    expect(await codeOf("rita", { q: "Lud", field: "/name" })).toBe("400 query_invalid");
    expect(await codeOf("rita", { q: "x".repeat(101) })).toBe("400 query_invalid");
    const stranger = await createBrowserJar().request("GET", `${base}/pick?registry=wells`, {
      headers: { accept: "application/json" },
    });
    expect(stranger.status).toBe(401);
  });

  test("keeps the session of who still writes, and of nobody else", async () => {
    const rita = await browserOf("rita");
    const token = hiddenField((await rita.visit(`${base}/registries`)).text, "form_token") ?? "";
    const statusFor = async (browser: BrowserJar, headers: Record<string, string>) =>
      (await browser.request("GET", `${base}/alive`, { headers: { accept: "application/json", ...headers } })).status;
    expect(await statusFor(rita, { "attestry-form-token": token })).toBe(204);
    expect(await statusFor(rita, {})).toBe(403);
    expect(await statusFor(createBrowserJar(), { "attestry-form-token": token })).toBe(401);
  });

  test("takes a file in, for a record that then holds it", async () => {
    const rita = await browserOf("rita");
    const page = await rita.visit(`${base}${FORM}`);
    const token = hiddenField(page.text, "form_token") ?? "";
    const cookie = [...(rita.cookies.get(new URL(base).origin) ?? [])].map(([name, value]) => `${name}=${value}`);
    const upload = (headers: Record<string, string>, bytes: Uint8Array = PDF) =>
      fetch(`${base}/registries/health-facilities/attachments?name=licence.pdf`, {
        method: "POST",
        body: bytes as BodyInit,
        headers: { "content-type": "application/pdf", cookie: cookie.join("; "), ...headers },
      });
    expect((await upload({})).status).toBe(403);
    expect((await upload({ "attestry-form-token": token }, new TextEncoder().encode("no pdf"))).status).toBe(422);
    const answer = await upload({ "attestry-form-token": token });
    expect(answer.status).toBe(201);
    const text = await answer.text();
    const view = await readWritten(await send(rita, FORM, facility({ "/data/licence_deed": text }), { page }));
    expect((view.data as JsonObject).licence_deed).toEqual(JSON.parse(text));
    const record = await rita.visit(`${base}/registries/health-facilities/records/${view.rid}`);
    const path = /href="([^"]*\/console\/registries\/health-facilities\/attachments\/[^"]*)"/.exec(record.text)?.[1];
    const file = await rita.request("GET", new URL(path ?? "", base).href);
    expect([file.status, file.text, file.headers.get("content-security-policy")]).toEqual([
      200,
      "%PDF-1.4 a licence",
      "sandbox; default-src 'none'",
    ]);
  });

  test("names the departments that do not answer", async () => {
    await world.land.stop();
    const { body } = await pick("rita", { q: "Ludh" });
    expect([body.items, body.silent]).toEqual([[], [`Department at ${new URL(world.land.entity).port}`]]);
  });
});
