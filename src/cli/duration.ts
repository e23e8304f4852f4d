// Durations as people write them on a command line. Pure.
import { AttestryError } from "../errors.ts";

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `30m`, `8h`, `90d` → seconds; throws `request_invalid`. */
export function parseDuration(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  if (!match)
    throw new AttestryError("request_invalid", `"${text}" is no duration; write a number and s, m, h or d, such as 8h`);
  return Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
}
