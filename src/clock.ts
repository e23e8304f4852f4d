// The wall clock, for those who hand the time on to rules. Nothing else reads it in seconds.

/** Unix seconds. */
export function currentSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** Unix seconds as RFC 3339 has them, in UTC. */
export function formatSeconds(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

/** The same day so many years later, both as RFC 3339 dates; of 29 February, where there is none, 1 March. Undefined if it begins with no date. */
export function anniversaryOf(date: string, years: number): string | undefined {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})/.exec(date);
  if (!match) return undefined;
  const day = new Date(Date.UTC(Number(match[1]) + years, Number(match[2]) - 1, Number(match[3])));
  return day.toISOString().slice(0, 10);
}
