// Steps of the story about personal data: read as far as a person allowed, never further, seen by the person, ended by a death and by an erasure.
import { sha256Base64url } from "../../crypto/hash.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { ResolvedRecord } from "../../resolution/resolution-service.ts";
import type { NodeClient } from "../node-client.ts";
import { demand, demandRefusal, disproved, parseAnswer } from "./agency.ts";
import { openMe } from "./citizen-visit.ts";
import { findByField, SEEDED_APPLICATION } from "./people.ts";
import { createRecord } from "./seed.ts";
import { DEMO_CITIZENS, type DemoCitizen } from "./sign-in-plan.ts";
import { textOf } from "./sign-in-steps.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

const PURPOSE = "benefit-decision";
const DAY_SECONDS = 86_400;

async function post<Answer = JsonObject>(client: NodeClient, path: string, body?: Json): Promise<Answer> {
  const text = await client.send({
    method: "POST",
    path,
    ...(body !== undefined && { body: JSON.stringify(body), contentType: "application/json" }),
  });
  return parseAnswer<Answer>(text);
}

/** A consent that the welfare office asked for. */
interface Asked {
  readonly id: string;
  readonly href: string;
  readonly state: string;
  readonly fields: readonly string[];
}

/** The clerk of the welfare office, and what such a one does. */
function createClerk(federation: DemoFederation) {
  const clerk = clientOf(getParty(federation, "welfare"), "reader");
  const home = getParty(federation, "civil-registry").entity;
  return {
    ask: (nationalId: string, matter: string, fields: readonly string[]): Promise<Asked> =>
      post(clerk, "/asked-consents", {
        home,
        registry: "persons",
        subject: { claim: "national_id", value: nationalId },
        purpose: PURPOSE,
        fields: [...fields],
        expires_at: Math.floor(Date.now() / 1_000) + 30 * DAY_SECONDS,
        case: matter,
      }),
    follow: (id: string): Promise<Asked> => post(clerk, `/asked-consents/${id}/refresh`),
    /** A yes or no in place of the date. */
    isOfAge: async (record: string, matter: string, consents: readonly string[]): Promise<boolean> => {
      const question = { kind: "age", record, field: "born", years: 18 };
      const access = { purpose: PURPOSE, case: matter, ...(consents.length > 0 && { consents: [...consents] }) };
      return (await post<{ answer: boolean }>(clerk, "/asked-answers", { question, access })).answer;
    },
    application: (number: string) => findByField(clerk, "applications", { number }),
    async read(
      href: string,
      matter: string,
      access: { consents?: string[]; fields?: string[] },
    ): Promise<ResolvedRecord> {
      const body = { references: [href], access: { purpose: PURPOSE, case: matter, ...access } };
      const { records } = await post<{ records: Record<string, ResolvedRecord> }>(clerk, "/resolve", body);
      return records[href] ?? Promise.reject(disproved(`${href} was not resolved`));
    },
  };
}

function demandOutcome(record: ResolvedRecord, outcome: string, what: string): void {
  demand(
    record.outcome === outcome && (outcome === "verified" || record.data === undefined),
    `${what} must be ${outcome}; it is ${record.outcome} (${record.message ?? ""})`,
  );
}

/** Asked for, given in part, read, refused beyond it, withdrawn, refused; and the person sees it all. */
export async function proveConsent(federation: DemoFederation, issuer: string): Promise<string[]> {
  const civil = getParty(federation, "civil-registry");
  const clerk = createClerk(federation);
  const [meera] = DEMO_CITIZENS as [DemoCitizen];
  const matter = SEEDED_APPLICATION;
  const application = await clerk.application(matter);
  if (!application) throw disproved(`the welfare office has no application ${matter}`);
  const person = String(application.data.applicant);
  demandOutcome(await clerk.read(person, matter, {}), "consent_required", "a person's record without a consent");
  await demandRefusal(
    "consent_fields_unknown",
    () => clerk.ask(meera.nationalId, matter, ["national_id"]),
    "asking for a field that the purpose does not have",
  );

  const asked = await clerk.ask(meera.nationalId, matter, ["name", "born", "address"]);
  const id = asked.href.slice(asked.href.lastIndexOf("/") + 1);
  const me = await openMe(civil, issuer, meera);
  const request = textOf(await me.open(`/consents/${id}`));
  demand(request.includes(matter), `${meera.name} does not see for which case the consent is asked`);
  await me.decide(id, "give", { field: "born" });
  const given = await clerk.follow(asked.id);
  demand(given.state === "given" && given.fields.join() === "born", `the consent is ${given.state}: ${given.fields}`);

  const consents = [asked.href];
  demand(await clerk.isOfAge(person, matter, consents), `${meera.name} is of age, and the register says no`);
  await demandRefusal(
    "consent_required",
    () => clerk.isOfAge(person, matter, []),
    "a yes or no about a person without a consent",
  );
  const read = await clerk.read(person, matter, { consents });
  demandOutcome(read, "verified", "the person's record with the consent");
  const names = Object.keys(read.data ?? {}).join();
  demand(names === "born", `what was read has the fields ${names}; born alone was allowed`);
  const more = await clerk.read(person, matter, { consents, fields: ["born", "address"] });
  demandOutcome(more, "consent_fields_exceeded", "a field that was not given");
  await me.decide(id, "withdraw");
  demandOutcome(await clerk.read(person, matter, { consents }), "consent_withdrawn", "a reading after the withdrawal");

  const usage = textOf(await me.open("/usage"));
  demand(
    usage.includes("Welfare Office") && usage.includes(matter),
    `${meera.name} does not see that the welfare office looked, and for which case`,
  );
  return [
    `welfare asked ${meera.name} for 3 fields; 1 was given, and read: its entry in the access log is ${read.reading?.index}`,
    "asked for a yes or no alone, the register answers whether she is of age: by the same consent, seen as a look",
    "refused: without a consent (consent_required), one field more (consent_fields_exceeded), after the withdrawal (consent_withdrawn)",
    "the citizen's page shows who looked, and for which case",
  ];
}

/** A benefit goes on by a consent given at a counter, until the register says that the person has died; then the record is erased. */
export async function proveDeath(federation: DemoFederation, serial: number): Promise<string[]> {
  const civil = getParty(federation, "civil-registry");
  const registrar = clientOf(civil, "registrar");
  const clerk = createClerk(federation);
  const digits = String(serial).padStart(12, "0").slice(-12);
  const nationalId = `${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8)}`;
  const matter = `W-${digits}`;
  const data = { national_id: nationalId, name: "Tomas Lind", born: "1941-02-11", address: "Quay 3, Dunhaven" };
  const person: RecordView = await createRecord(registrar, "persons", data);
  await createRecord(clientOf(getParty(federation, "welfare"), "registrar"), "applications", {
    number: matter,
    national_id: nationalId,
    applicant: person.href,
    benefit: "old-age",
  });
  const asked = await clerk.ask(nationalId, matter, ["name", "born"]);
  await post(registrar, "/registries/persons/consents:assist", {
    id: asked.href.slice(asked.href.lastIndexOf("/") + 1),
    decision: "give",
    witness: "Sara Okoye, desk 2",
    evidence: sha256Base64url(`signed paper of ${matter}`),
    language: "en",
  });
  const consents = [asked.href];
  demandOutcome(await clerk.read(person.href, matter, { consents }), "verified", "a pensioner's record");

  const path = person.href.slice(civil.entity.length);
  await post(registrar, `${path}/end`, { act: { reason: "death" } });
  demandOutcome(await clerk.read(person.href, matter, { consents }), "record_ended", "the record of somebody who died");
  const stands = await clerk.follow(asked.id);
  demand(stands.state === "given", `the consent is ${stands.state}, although nobody withdrew it`);
  await post(registrar, `${path}/erase`, { act: { reason: "law", instrument: "Registration Act, section 9" } });
  demandOutcome(await clerk.read(person.href, matter, { consents }), "record_unknown", "an erased record");
  return [
    "a consent given at the counter, with witness and paper, pays a pension; the register's entry of the death stops it: record_ended, with the consent still valid",
    "the record was erased by law, and nobody is told any more that it was there: record_unknown; both logs are recomputed at the end (audit)",
  ];
}
