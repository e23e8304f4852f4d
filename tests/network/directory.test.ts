// The directory of a federation of real offices over real HTTP: what it finds, what it asks, and what becomes of those who go.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DirectoryService } from "../../src/federation/directory-service.ts";
import {
  DIRECTORY_FULL_LIST_SECONDS,
  DIRECTORY_REFRESH_SECONDS,
  DIRECTORY_RENEW_SECONDS,
  STATEMENT_SECONDS,
} from "../../src/limits.ts";
import { pinOf } from "../chain-fixture.ts";
import type { TestDatabase } from "../database.ts";
import { createWorld, type Office, readAll, type World } from "./directory-world.ts";

const TYPES = ["districts", "births", "parcels"];
const CONFIGURATION = "/.well-known/openid-federation";
const LIST = "/federation/extended-list";

let world: World;
let anchor: Office;
let state: Office;
let ministry: Office;
let [land, water, civil]: Office[] = [];
let database: TestDatabase;
let directory: DirectoryService;

async function accept(superior: Office, subordinate: Office, registryTypes: readonly string[]): Promise<void> {
  await superior.federation.acceptSubordinate({ entity: subordinate.id, registryTypes });
}

async function memberOf(office: Office) {
  return (await readAll(directory)).get(office.id)!;
}

/** What a refresh asks, as "office path" with the offices' names. */
async function askedByRefresh(): Promise<string[]> {
  const names = new Map([
    [anchor, "anchor"],
    [state, "state"],
    [ministry, "ministry"],
    [land!, "land"],
    [water!, "water"],
    [civil!, "civil"],
  ]);
  world.forget();
  await directory.refresh();
  return world
    .asked()
    .map(({ office, path }) => `${names.get(office)} ${path}`)
    .sort();
}

beforeAll(async () => {
  world = createWorld();
  anchor = await world.startOffice();
  [state, ministry] = await Promise.all([
    world.startOffice({ superiors: [anchor], registryTypes: [] }),
    world.startOffice({ superiors: [anchor], registryTypes: [] }),
  ]);
  await accept(anchor, state, TYPES);
  await accept(anchor, ministry, ["births"]);
  [land, water, civil] = await Promise.all([
    world.startOffice({ superiors: [state], registryTypes: ["districts", "parcels"] }),
    world.startOffice({ superiors: [state], registryTypes: ["districts"] }),
    world.startOffice({ superiors: [ministry], registryTypes: ["births", "parcels"] }),
  ]);
  await accept(state, land!, ["districts", "parcels"]);
  await accept(state, water!, ["districts"]);
  await accept(ministry, civil!, ["births", "parcels"]);
  database = await world.createDatabase();
  directory = await world.openDirectory([pinOf(anchor.keys, TYPES)], database);
});

afterAll(() => world.close());

describe("the directory", () => {
  test("finds everybody below the pinned anchor, what each may sign, and until when that is proven", async () => {
    expect((await directory.list({})).members).toEqual([]);
    const done = await directory.refresh();
    expect(done).toMatchObject({ checked: 6, valid: 6, gone: 0 });
    const members = await readAll(directory);
    expect([...members.values()].map(({ state }) => state)).toEqual(Array(6).fill("valid"));
    expect(members.get(anchor.id)).toMatchObject({ superior: null, path: [], isSuperior: true });
    expect(members.get(land!.id)).toMatchObject({
      superior: state.id,
      path: [anchor.id, state.id],
      registryTypes: ["districts", "parcels"],
      organizationName: `Office at ${land!.id}`,
      isSuperior: false,
      code: null,
      validUntil: world.time.now + STATEMENT_SECONDS,
    });
    // The ministry was not granted parcels, so it cannot pass them on.
    expect(members.get(civil!.id)!.registryTypes).toEqual(["births"]);
  });

  test("is told by registry type, by state, and in pages", async () => {
    const byType = await directory.list({ type: "parcels" });
    expect(byType.members.map(({ entity }) => entity)).toEqual([land!.id]);
    expect((await directory.list({ state: "expired" })).members).toEqual([]);
    const all = [...(await readAll(directory)).keys()];
    const first = await directory.list({ limit: 4 });
    const second = await directory.list({ limit: 4, cursor: first.next });
    expect([...first.members, ...second.members].map(({ entity }) => entity)).toEqual(all);
    expect(second.next).toBeUndefined();
    expect(await directory.summarize()).toMatchObject({
      byState: { valid: 6 },
      byType: { births: 1, districts: 3, parcels: 1 },
      refreshedAt: world.time.now,
    });
  });

  test("asks, when nothing changed, each superior once what changed, and no member", async () => {
    world.time.now += DIRECTORY_REFRESH_SECONDS;
    expect(await askedByRefresh()).toEqual([`anchor ${LIST}`, `ministry ${LIST}`, `state ${LIST}`]);
  });

  test("notices a type that is granted, and asks that member only", async () => {
    world.time.now += DIRECTORY_REFRESH_SECONDS;
    water!.registryTypes.push("parcels");
    await accept(state, water!, ["districts", "parcels"]);
    expect(await askedByRefresh()).toEqual([
      `anchor ${LIST}`,
      `ministry ${LIST}`,
      `state ${LIST}`,
      `water ${CONFIGURATION}`,
    ]);
    expect((await memberOf(water!)).registryTypes).toEqual(["districts", "parcels"]);
  });

  test("notices a type that is withdrawn, from one member or from a superior and so from all below it", async () => {
    world.time.now += 1;
    await accept(state, water!, ["districts"]);
    await directory.refresh();
    expect((await memberOf(water!)).registryTypes).toEqual(["districts"]);
    world.time.now += 1;
    await accept(anchor, state, ["parcels"]);
    const asked = await askedByRefresh();
    expect(asked).toEqual([`anchor ${LIST}`, `ministry ${LIST}`, `state ${CONFIGURATION}`, `state ${LIST}`]);
    expect((await memberOf(land!)).registryTypes).toEqual(["parcels"]);
    expect((await memberOf(water!)).registryTypes).toEqual([]);
    world.time.now += 1;
    await accept(anchor, state, TYPES);
    await directory.refresh();
    expect((await memberOf(water!)).registryTypes).toEqual(["districts"]);
  });

  test("says who is suspended and since when, and who is vouched for again", async () => {
    world.time.now += DIRECTORY_REFRESH_SECONDS;
    await state.federation.suspendSubordinate({ entity: land!.id, reason: "An audit" });
    await directory.refresh();
    expect(await memberOf(land!)).toMatchObject({ state: "suspended", stateSince: world.time.now, registryTypes: [] });
    world.time.now += 10;
    await state.federation.resumeSubordinate(land!.id);
    await directory.refresh();
    expect(await memberOf(land!)).toMatchObject({ state: "valid", registryTypes: ["districts", "parcels"] });
  });

  test("refuses those below a superior that is suspended, and has them back without asking them", async () => {
    world.time.now += 10;
    await anchor.federation.suspendSubordinate({ entity: state.id, reason: "An audit" });
    await directory.refresh();
    expect(await memberOf(state)).toMatchObject({ state: "suspended" });
    expect(await memberOf(land!)).toMatchObject({ state: "refused", code: "chain_not_found", registryTypes: [] });
    expect(await memberOf(civil!)).toMatchObject({ state: "valid" });
    world.time.now += 10;
    await anchor.federation.resumeSubordinate(state.id);
    await directory.refresh();
    expect(await memberOf(state)).toMatchObject({ state: "valid" });
    expect(await memberOf(land!)).toMatchObject({ state: "valid", registryTypes: ["districts", "parcels"] });
  });

  test("says who was removed", async () => {
    world.time.now += 10;
    await state.federation.removeSubordinate(land!.id);
    await directory.refresh();
    expect(await memberOf(land!)).toMatchObject({ state: "removed", stateSince: world.time.now, registryTypes: [] });
    world.time.now += 10;
    await accept(state, land!, ["districts", "parcels"]);
    await directory.refresh();
    expect(await memberOf(land!)).toMatchObject({ state: "valid" });
  });

  test("stays over a restart", async () => {
    const before = await readAll(directory);
    directory = await world.openDirectory([pinOf(anchor.keys, TYPES)], database);
    expect(await readAll(directory)).toEqual(before);
    expect(await askedByRefresh()).toEqual([`anchor ${LIST}`, `ministry ${LIST}`, `state ${LIST}`]);
  });

  test("renews what is about to expire, and says of a chain that nobody renewed that it has expired", async () => {
    const { validUntil } = await memberOf(civil!);
    world.time.now = validUntil! - 1;
    expect((await memberOf(civil!)).state).toBe("valid");
    world.time.now = validUntil!;
    expect(await memberOf(civil!)).toMatchObject({ state: "expired", stateSince: validUntil });
    await directory.refresh();
    expect(await memberOf(civil!)).toMatchObject({ state: "valid" });
    expect((await memberOf(civil!)).validUntil).toBeGreaterThan(world.time.now + DIRECTORY_RENEW_SECONDS);
  });

  test("tells since when a member does not answer, asks it ever more rarely, and sees it come back", async () => {
    const { validUntil } = await memberOf(civil!);
    civil!.isSilent = true;
    world.time.now = validUntil! - DIRECTORY_RENEW_SECONDS + 1;
    const since = world.time.now;
    await directory.refresh();
    const silent = { state: "unreachable", code: "peer_unreachable", stateSince: since };
    // Its chain still holds for a while, so what it may sign is told still.
    expect(await memberOf(civil!)).toMatchObject({ ...silent, registryTypes: ["births"] });
    world.time.now += DIRECTORY_REFRESH_SECONDS;
    const done = await directory.refresh();
    expect(done!.fetched).toBe(0);
    world.time.now += DIRECTORY_REFRESH_SECONDS * 4;
    await directory.refresh();
    expect(await memberOf(civil!)).toMatchObject(silent);
    civil!.isSilent = false;
    world.time.now += DIRECTORY_REFRESH_SECONDS * 8;
    await directory.refresh();
    expect(await memberOf(civil!)).toMatchObject({ state: "valid", code: null, stateSince: world.time.now });
  });

  test("keeps what a silent superior listed until its statements end", async () => {
    ministry.isSilent = true;
    const since = world.time.now + 1;
    world.time.now = since;
    await directory.refresh();
    expect(await memberOf(ministry)).toMatchObject({ state: "unreachable", stateSince: since });
    expect(await memberOf(civil!)).toMatchObject({ state: "valid" });
    world.time.now += STATEMENT_SECONDS;
    await directory.refresh();
    expect(await memberOf(civil!)).toMatchObject({ state: "expired" });
    expect(await memberOf(ministry)).toMatchObject({ state: "unreachable", stateSince: since });
    ministry.isSilent = false;
    world.time.now += STATEMENT_SECONDS * 7;
    await directory.refresh();
    expect(await memberOf(civil!)).toMatchObject({ state: "valid" });
  });

  test("finds one that left while nobody was looking: every now and then lists are read whole", async () => {
    await state.federation.removeSubordinate(water!.id);
    // As if the superior had forgotten the removal.
    world.time.now += DIRECTORY_FULL_LIST_SECONDS + 1;
    await directory.refresh();
    expect(await memberOf(water!)).toMatchObject({ state: "removed" });
    await accept(state, water!, ["districts"]);
    world.time.now += 1;
    await directory.refresh();
    expect(await memberOf(water!)).toMatchObject({ state: "valid" });
  });

  test("takes the shorter of two chains, and the other when that ends", async () => {
    world.time.now += 1;
    water!.superiors.push(anchor.id);
    await accept(anchor, water!, ["districts"]);
    await directory.refresh();
    expect(await memberOf(water!)).toMatchObject({ state: "valid", superior: anchor.id, path: [anchor.id] });
    expect(await askedByRefresh()).toEqual([`anchor ${LIST}`, `ministry ${LIST}`, `state ${LIST}`]);
    world.time.now += 1;
    await anchor.federation.removeSubordinate(water!.id);
    await directory.refresh();
    expect(await memberOf(water!)).toMatchObject({ state: "valid", superior: state.id });
    water!.superiors.pop();
  });

  test("is refreshed by one process at a time", async () => {
    const other = await world.openDirectory([pinOf(anchor.keys, TYPES)], database);
    const outcomes = await Promise.all([directory.refresh(), other.refresh()]);
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1);
  });

  test("is refreshed by the job when that is due, and not before", async () => {
    world.time.now += DIRECTORY_REFRESH_SECONDS - 1;
    world.forget();
    await directory.refreshIfDue(() => false);
    expect(world.asked()).toEqual([]);
    world.time.now += 1;
    await directory.refreshIfDue(() => false);
    expect(world.asked().length).toBeGreaterThan(0);
  });
});
