// What the embedded PostgreSQL is told at every start. No secrets: process lists show it.
import { totalmem } from "node:os";
import { DATABASE_BUFFERS_MB_MAX, DATABASE_BUFFERS_MB_MIN, DATABASE_CONNECTIONS_MAX } from "../limits.ts";

const MEGABYTE = 2 ** 20;
const BUFFERS_SHARE = 16;

/** A small share of what the machine, or the container, has: an index of a million records then stays in memory. */
export function chooseBuffersMb(memoryBytes: number): number {
  const share = Math.floor(memoryBytes / MEGABYTE / BUFFERS_SHARE);
  return Math.min(DATABASE_BUFFERS_MB_MAX, Math.max(DATABASE_BUFFERS_MB_MIN, share));
}

// 0 or more than there is: no limit is set on the container.
const constrained = process.constrainedMemory?.() ?? 0;
const memoryBytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();

export const SERVER_SETTINGS: Readonly<Record<string, string | number>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "", // the account that runs the server often may not write where sockets usually are
  max_connections: DATABASE_CONNECTIONS_MAX,
  // An acknowledged record survives a power cut (DESIGN promise 1).
  fsync: "on",
  synchronous_commit: "on",
  shared_buffers: `${chooseBuffersMb(memoryBytes)}MB`,
  min_wal_size: "256MB",
  checkpoint_timeout: "15min",
  random_page_cost: 1.1,
  jit: "off", // short statements: compiling them costs more than running them
  timezone: "UTC",
  log_timezone: "UTC",
  // Statements, DETAIL lines and messages of level ERROR hold values of rows, which may be personal. The caller gets them anyway.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
};
