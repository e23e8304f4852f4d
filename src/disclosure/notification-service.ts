// Tells gateways that something happened for people who chose to be told: at least once, in the order of each person, gateway by gateway. Knows no content.
import { randomUUID } from "node:crypto";
import { findSubjectsById } from "../access/access-store.ts";
import type { AccessSubjects } from "../access/access-subject-service.ts";
import type { NotificationGateway } from "../config.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import {
  NOTIFICATION_GATHER_SECONDS,
  NOTIFICATION_RETRY_SECONDS,
  NOTIFICATION_RETRY_SECONDS_MAX,
  NOTIFICATION_SECONDS,
  NOTIFICATIONS_AT_ONCE_MAX,
  NOTIFICATIONS_GATHERED_MAX,
  NOTIFICATIONS_WAITING_MAX,
} from "../limits.ts";
import type { Logger } from "../logger.ts";
import { NOTIFICATION_PAGES, type NotificationChoice, notificationPause } from "../notification/notification.ts";
import type { SendNotification } from "../notification/notification-client.ts";
import * as store from "../notification/notification-store.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import type { NotificationChoices } from "./notification-choice-service.ts";

export interface NotificationService {
  /** Gathers what is due and begins to send, each gateway by itself: a slow one holds up no other, nor the next round. */
  start(): Promise<void>;
  /** Waits for all that is being sent. */
  settle(): Promise<void>;
  /** The configured gateways, in their order. Throws `permission_denied`. */
  listGateways(caller: Caller): Promise<readonly store.GatewayState[]>;
}

const PAUSES = { first: NOTIFICATION_RETRY_SECONDS, max: NOTIFICATION_RETRY_SECONDS_MAX };

/** `pagesAt`: base URL of the node's pages. */
export function createNotificationService(deps: {
  database: Database;
  gateways: readonly NotificationGateway[];
  accessSubjects: Pick<AccessSubjects, "open">;
  choices: Pick<NotificationChoices, "open">;
  send: SendNotification;
  pagesAt: string;
  clock: () => number;
  logger: Pick<Logger, "warn">;
}): NotificationService {
  const { database, gateways, choices, clock, logger } = deps;
  const urls = gateways.map(({ url }) => url);
  const sending = new Map<string, Promise<void>>();
  // Once for each start: where nothing is sent, what is written is a row for each person and kind.
  let isForgotten = false;

  /** What people chose, of those who chose something. */
  async function openChoices(
    sql: Sql | Transaction,
    subjects: readonly string[],
  ): Promise<Map<string, NotificationChoice>> {
    const sealed = await store.findChoices(sql, subjects);
    const chosen = new Map<string, NotificationChoice>();
    for (const stored of await findSubjectsById(database, [...sealed.keys()])) {
      try {
        chosen.set(stored.id, choices.open(deps.accessSubjects.open(stored), sealed.get(stored.id)!));
      } catch (error) {
        if (!isAttestryError(error)) throw error;
        // Changed by somebody without the keys: it is told to nobody, and everybody else is told.
        logger.warn({ code: error.code }, "what somebody chose to be told of does not open");
      }
    }
    return chosen;
  }

  /** Makes deliveries of what is due; whether there may be more. */
  async function gather(): Promise<boolean> {
    const now = clock();
    if ((await store.countWaiting(database.sql)) >= NOTIFICATIONS_WAITING_MAX) {
      logger.warn({ waiting: NOTIFICATIONS_WAITING_MAX }, "too many notifications wait; what happens is gathered");
      return false;
    }
    return runTransaction(database, async (tx) => {
      const limit = NOTIFICATIONS_GATHERED_MAX;
      const due = await store.takeDue(tx, { now, toldSince: now - NOTIFICATION_GATHER_SECONDS, limit });
      const chosen = await openChoices(tx, [...new Set(due.map(({ subject }) => subject))]);
      // Of one kind there may be two rows, one of them of a day that has come.
      const counts = new Map<string, store.GatheredNotification>();
      for (const one of due) {
        const key = `${one.subject} ${one.kind}`;
        counts.set(key, { ...one, count: one.count + (counts.get(key)?.count ?? 0) });
      }
      const deliveries = [...counts.values()]
        .filter(({ subject, kind }) => chosen.get(subject)?.events.includes(kind))
        .flatMap(({ subject, kind, count }) =>
          gateways
            .filter(({ events }) => events.includes(kind))
            .map(({ url }) => ({ jti: randomUUID(), subject, kind, url, count, createdAt: now })),
        );
      if (deliveries.length > 0) await store.addDeliveries(tx, deliveries);
      return due.length === limit;
    });
  }

  /** Sends what is next for a gateway; whether it took something, so that there may be more. */
  async function sendSome(url: string): Promise<boolean> {
    const taken = await runTransaction(database, (tx) =>
      store.takeDeliveries(tx, {
        url,
        now: clock(),
        limit: NOTIFICATIONS_AT_ONCE_MAX,
        retryAt: (attempts) => clock() + notificationPause(attempts, PAUSES),
      }),
    );
    if (taken.length === 0) return false;
    const chosen = await openChoices(database.sql, [...new Set(taken.map(({ subject }) => subject))]);
    const delivered: { id: number; count: number }[] = [];
    const gone: number[] = [];
    let givenUp = 0;
    let failure: string | undefined;
    await Promise.all(
      taken.map(async ({ id, jti, subject, kind, count, createdAt, attempts }) => {
        const choice = chosen.get(subject);
        // Taken back, or chosen anew without it, since.
        if (!choice?.events.includes(kind)) return void gone.push(id);
        const page = `${deps.pagesAt}${NOTIFICATION_PAGES[kind]}`;
        try {
          await deps.send({ aud: url, jti, event: kind, count, address: choice.address, page });
          delivered.push({ id, count });
        } catch (error) {
          if (!isAttestryError(error)) throw error;
          failure = error.code;
          if (clock() + notificationPause(attempts, PAUSES) < createdAt + NOTIFICATION_SECONDS) return;
          gone.push(id);
          givenUp += 1;
        }
      }),
    );
    await runTransaction(database, (tx) =>
      store.storeOutcomes(tx, {
        url,
        at: clock(),
        delivered,
        restAt: clock() + NOTIFICATION_GATHER_SECONDS,
        gone,
        givenUp,
        failure,
      }),
    );
    if (failure !== undefined)
      logger.warn({ gateway: new URL(url).host, code: failure, givenUp }, "notifications were not taken");
    return delivered.length + gone.length > 0;
  }

  async function sendAll(url: string): Promise<void> {
    try {
      while (await sendSome(url));
    } catch (error) {
      // The next round tries again: what was taken comes back when its pause is over.
      logger.warn({ err: error, gateway: new URL(url).host }, "sending notifications failed");
    } finally {
      sending.delete(url);
    }
  }

  return {
    async start() {
      if (gateways.length === 0) {
        if (!isForgotten) await store.forgetWaiting(database);
        isForgotten = true;
        return;
      }
      await store.sweepDeliveries(database, { deliveredBefore: clock() - NOTIFICATION_GATHER_SECONDS, urls });
      while (await gather());
      for (const url of urls) if (!sending.has(url)) sending.set(url, sendAll(url));
    },
    async settle() {
      await Promise.all(sending.values());
    },
    async listGateways(caller) {
      if (!isPermitted({ caller, action: "notification.watch" }))
        throw new AttestryError("permission_denied", "how notifications stand is for role operator in all registries");
      return store.listGatewayStates(database, urls);
    },
  };
}
