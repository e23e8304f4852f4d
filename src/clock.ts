// The wall clock, for those who hand the time on to rules. Nothing else reads it in seconds.

/** Unix seconds. */
export function currentSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
