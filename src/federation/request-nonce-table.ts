// Table of the nonces of signed requests that were accepted, until the requests end.
import { bigint, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/** Times in Unix seconds. */
export const requestNonceTable = pgTable(
  "request_nonce",
  {
    /** RFC 7638 thumbprint of the key that signed. */
    keyId: text("key_id").notNull(),
    nonce: text("nonce").notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.keyId, table.nonce] }),
    index("request_nonce_expires_at").on(table.expiresAt),
  ],
);
