// The wall clock, for those who hand the time on to rules. Nothing else reads it in seconds.

/** Unix seconds. */
export function currentSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** Unix seconds as RFC 3339 has them, in UTC. */
export function formatSeconds(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
