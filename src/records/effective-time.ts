// Effective time as people write it, a date or a date-time, in Unix seconds. Pure; loads in a browser.

const DAY_SECONDS = 86_400;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
// RFC 3339 §5.6, with seconds and zone.
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Unix seconds of a date (UTC) or an RFC 3339 time; undefined if it is neither. `edge`: whether a bare date means its first instant, or
 * the first one after it.
 */
export function parseEffectiveTime(text: string, edge: "start" | "end"): number | undefined {
  const isDate = DATE.test(text);
  const milliseconds = isDate || DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(milliseconds) || !dayExists(text.slice(0, 10))) return undefined;
  // Times are kept in whole seconds.
  const seconds = Math.floor(milliseconds / 1_000);
  return isDate && edge === "end" ? seconds + DAY_SECONDS : seconds;
}

// Date.parse turns 31 February into March: a day that does not exist must not become another one.
function dayExists(day: string): boolean {
  const milliseconds = Date.parse(day);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(day);
}
