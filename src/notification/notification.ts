// What a notification is: a word that something happened, for somebody who asked to be told, and where to look; never what or by whom. Pure.

import type { NOTIFICATION_EVENTS } from "../config.ts";

/** What people may be told of. */
export type NotificationKind = (typeof NOTIFICATION_EVENTS)[number];

export const NOTIFICATION_TYPE = "attestry-notification+jwt";

/** What a person chose: where to be told (whatever the gateway understands), and of what. */
export interface NotificationChoice {
  readonly address: string;
  readonly events: readonly NotificationKind[];
}

/** The page that tells what it was, below the node's base URL. */
export const NOTIFICATION_PAGES: Readonly<Record<NotificationKind, string>> = {
  consent_requested: "/me/consents",
  consent_changed: "/me/consents",
  reading: "/me/usage",
  question_answered: "/me/questions",
  erased: "/me",
};

/** The claims of a notification; times in Unix seconds. A repeated delivery has the same `jti`. */
export interface NotificationClaims {
  readonly iss: string;
  /** The gateway's URL. */
  readonly aud: string;
  readonly iat: number;
  readonly jti: string;
  readonly event: NotificationKind;
  /** How often it happened since the last one. */
  readonly count: number;
  readonly address: string;
  readonly page: string;
}

/** Seconds until the next attempt, growing with those that failed. */
export function notificationPause(attempts: number, limits: { first: number; max: number }): number {
  return Math.min(limits.first * 2 ** Math.min(attempts, 20), limits.max);
}
