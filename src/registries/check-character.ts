// Check characters of ISO/IEC 7064, hybrid systems: they catch every single wrong character and nearly all swapped neighbours. Pure.

const DIGITS = "0123456789";
const ALPHANUMERICS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** MOD 11,10 protects digits by a digit, MOD 37,36 digits and letters by one of these. */
export type CheckSystem = "mod-11-10" | "mod-37-36";

const ALPHABETS: Readonly<Record<CheckSystem, string>> = { "mod-11-10": DIGITS, "mod-37-36": ALPHANUMERICS };

/** What stands in identifiers between the characters that count. */
export const CHECK_SEPARATORS = " -./:_";

/**
 * The check character of `text`. Small letters count as capitals, separators not at all; undefined where another character is in it
 * that the system does not know.
 */
export function checkCharacter(text: string, system: CheckSystem): string | undefined {
  const alphabet = ALPHABETS[system];
  const modulus = alphabet.length;
  // ISO/IEC 7064:2003, 8.2: P(1) = M, S = P mod (M+1) + a mod M, P(next) = 2·(S, or M where it is 0).
  let product = modulus;
  for (const character of text.toUpperCase()) {
    if (CHECK_SEPARATORS.includes(character)) continue;
    const value = alphabet.indexOf(character);
    if (value < 0) return undefined;
    const sum = (product + value) % modulus || modulus;
    product = (sum * 2) % (modulus + 1);
  }
  return alphabet[(modulus + 1 - product) % modulus];
}
