// The invented people of the demo, put into the civil registry, with a child, a parcel and an application. Running it again changes nothing.
import { type JsonObject, parseJson } from "../../crypto/json.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { NodeClient } from "../node-client.ts";
import { createRecord, findByCode } from "./seed.ts";
import { DEMO_CITIZENS } from "./sign-in-plan.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

const BIRTHDAYS: Readonly<Record<string, string>> = { "meera-rao": "1990-03-04", "ravi-iyer": "1958-11-20" };
const CHILD = { national_id: "9004-1180-2231", name: "Tara Rao", born: "2019-06-15" };
const STREETS = ["Lake Road 1, Alderby", "Mill Lane 7, Alderby"];
export const SEEDED_APPLICATION = "W-1001";
const SEEDED_PARCEL = "P-1001";
const SEEDED_BIRTH = "B-1001";

/** By a field whose values are personal, and therefore stand in no address. */
export async function findByField(
  client: NodeClient,
  registry: string,
  fields: JsonObject,
): Promise<RecordView | undefined> {
  const text = await client.send({
    method: "POST",
    path: `/registries/${registry}/records:search`,
    body: JSON.stringify({ fields }),
    contentType: "application/json",
    isRepeatable: true,
  });
  const { records } = parseJson(text) as unknown as { records: RecordView[] };
  return records.find(({ state }) => state === "active");
}

async function ensure(
  client: NodeClient,
  registry: string,
  { field, data }: { field: string; data: JsonObject },
): Promise<RecordView> {
  const found = await findByField(client, registry, { [field]: data[field]! });
  return found ?? createRecord(client, registry, data);
}

/** Gives how many records there are. */
export async function seedPeople(federation: DemoFederation): Promise<number> {
  const civil = clientOf(getParty(federation, "civil-registry"), "registrar");
  const welfare = clientOf(getParty(federation, "welfare"), "registrar");
  const land = clientOf(getParty(federation, "land-records"), "registrar");
  const local = clientOf(getParty(federation, "local-government"));
  const people = [
    ...DEMO_CITIZENS.map(({ id, name, nationalId }, at) => ({
      national_id: nationalId,
      name,
      born: BIRTHDAYS[id]!,
      address: STREETS[at]!,
    })),
    CHILD,
  ];
  const [meera] = await Promise.all(
    people.map((data) => ensure(civil, "persons", { field: "national_id", data: { ...data } })),
  );
  const mother = DEMO_CITIZENS[0]!.nationalId;
  const birth = { number: SEEDED_BIRTH, child_id: CHILD.national_id, mother_id: mother, born: CHILD.born };
  const { href: district } = (await findByCode(local, "districts", "AL-01"))!;
  const parcel = { code: SEEDED_PARCEL, area: 5_200, district, owner: meera!.href };
  const [plot] = await Promise.all([
    ensure(land, "land-parcels", { field: "code", data: parcel }),
    ensure(civil, "births", { field: "number", data: birth }),
  ]);
  await ensure(welfare, "applications", {
    field: "number",
    data: {
      number: SEEDED_APPLICATION,
      national_id: mother,
      applicant: meera!.href,
      parcel: plot.href,
      benefit: "farm",
    },
  });
  return people.length + 3;
}
