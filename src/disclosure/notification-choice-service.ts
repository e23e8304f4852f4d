// What a person chose to be told, and where: sealed under the person's own key, off until chosen, gone when taken back.
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import type { NotificationGateway } from "../config.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { AttestryError } from "../errors.ts";
import type { Citizen } from "../identity/caller.ts";
import { NOTIFICATION_ADDRESS_CHARS_MAX } from "../limits.ts";
import type { NotificationChoice, NotificationKind } from "../notification/notification.ts";
import { deleteChoices, findChoices, storeChoice } from "../notification/notification-store.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";

export interface NotificationChoices {
  /** What may be chosen here; none where the department sends no notifications. */
  readonly offered: readonly NotificationKind[];
  find(citizen: Citizen): Promise<NotificationChoice | undefined>;
  /** In place of what was chosen before. Throws `request_invalid`. */
  choose(citizen: Citizen, choice: NotificationChoice): Promise<void>;
  remove(citizen: Citizen): Promise<void>;
  /** For who sends them. */
  open(person: Pick<KnownSubject, "id" | "dataKey">, sealed: Uint8Array): NotificationChoice;
}

/** `entity`: the name that the node's records have. */
export function createNotificationChoices(deps: {
  entity: string;
  database: Database;
  accessSubjects: Pick<AccessSubjects, "ensure" | "find">;
  gateways: readonly NotificationGateway[];
}): NotificationChoices {
  const { entity, database, accessSubjects, gateways } = deps;
  const offered = [...new Set(gateways.flatMap(({ events }) => events))];
  const aad = (id: string): string => `${entity}|notification|${id}`;

  const open: NotificationChoices["open"] = ({ id, dataKey }, sealed) =>
    JSON.parse(decodeUtf8(unseal({ key: dataKey, aad: aad(id), sealed }))) as NotificationChoice;

  const subjectsOf = ({ claims }: Citizen) => Object.entries(claims).map(([claim, value]) => ({ claim, value }));

  async function findPeople(citizen: Citizen): Promise<KnownSubject[]> {
    const found = await Promise.all(subjectsOf(citizen).map((subject) => accessSubjects.find(subject)));
    return found.filter((one) => one !== undefined);
  }

  return {
    offered,
    open,

    async find(citizen) {
      const people = await findPeople(citizen);
      const choices = await findChoices(
        database.sql,
        people.map(({ id }) => id),
      );
      const [first] = people.filter(({ id }) => choices.has(id));
      return first && open(first, choices.get(first.id)!);
    },

    async choose(citizen, choice) {
      const address = choice.address.trim();
      const events = offered.filter((event) => choice.events.includes(event));
      if (address === "" || address.length > NOTIFICATION_ADDRESS_CHARS_MAX || /\p{C}/u.test(address))
        throw new AttestryError(
          "request_invalid",
          `an address has 1 to ${NOTIFICATION_ADDRESS_CHARS_MAX} visible characters on one line`,
          { details: [{ field: "/address", message: "cannot be an address" }] },
        );
      if (events.length === 0)
        throw new AttestryError("request_invalid", "nothing is chosen to be told of", {
          details: [{ field: "/events", message: "name at least one that this department tells of" }],
        });
      const people = await accessSubjects.ensure(subjectsOf(citizen));
      const content = encodeUtf8(JSON.stringify({ address, events }));
      await runTransaction(database, async (tx) => {
        for (const { id, dataKey } of people.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
          await storeChoice(tx, { subject: id, sealed: seal({ key: dataKey, aad: aad(id), plaintext: content }) });
      });
    },

    async remove(citizen) {
      const people = await findPeople(citizen);
      await runTransaction(database, (tx) =>
        deleteChoices(
          tx,
          people.map(({ id }) => id),
        ),
      );
    },
  };
}
