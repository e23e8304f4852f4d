// Guesses from a column's header and values whether it is about a person. Pure; when in doubt it is.

/** What speaks for a column being personal; `isSure`: the header says it, rather than the look of the values. */
export interface PersonalGuess {
  readonly what: string;
  readonly isSure: boolean;
}

/** Of the values that are not empty, the share that looks like each of these. */
export interface ValueShapes {
  readonly email: number;
  readonly phone: number;
  readonly nationalNumber: number;
}

const SHARE_MIN = 0.5;

// Words of a header, in English, as registers of departments have them. Each stands for what a person would not want published.
const HEADERS: readonly (readonly [RegExp, string])[] = [
  [/e-?mail/, "an e-mail address"],
  [/\b(phone|telephone|mobile|cell|contact|whatsapp|tel|fax)\b/, "a telephone number"],
  [/\b(dob|birth ?date|date of birth|born|birth)\b/, "a date or place of birth"],
  [/\b(death|deceased|died)\b/, "a death"],
  [
    /\b(aadhaar|aadhar|uid|uidai|pan|ssn|nid|national id|national number|passport|voter|epic|driving|licen[cs]e|ration card|abha|tin|tax(payer)? (id|number|no))\b/,
    "a number that names a person",
  ],
  [
    /\b(first|last|middle|given|family|full|maiden|sur|father'?s?|mother'?s?|spouse'?s?|husband'?s?|wife'?s?|guardian'?s?|child'?s?|applicant'?s?|holder'?s?|owner'?s?|beneficiary'?s?|nominee'?s?|citizen'?s?|person'?s?|patient'?s?|student'?s?|employee'?s?|officer'?s?|head'?s?) ?names?\b|\bsurname\b/,
    "a person's name",
  ],
  [
    /\b(father|mother|spouse|husband|wife|guardian|nominee|next of kin|owner|applicant|beneficiary|holder)\b/,
    "a person",
  ],
  [
    /\b(gender|sex|age|marital|religion|caste|category of person|ethnicity|tribe|nationality|citizenship)\b/,
    "a trait of a person",
  ],
  [/\b(disability|blood|health|diagnosis|disease|medical|hiv|vaccin\w*)\b/, "health"],
  [/\b(income|salary|wage|pension|bank|account|ifsc|iban|debt|loan)\b/, "money of a person"],
  [/\b(address|street|house|door|flat|residence|latitude|longitude)\b/, "where somebody lives"],
  [/\b(photo|photograph|signature|fingerprint|iris|biometric\w*)\b/, "a likeness of a person"],
  [/\b(occupation|employer|education|qualification)\b/, "a circumstance of a person"],
];

/** The header with its words apart and small: `DateOfBirth`, `date_of_birth` and `DATE OF BIRTH` alike. */
export function headerWords(header: string): string {
  return header
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}']+/gu, " ")
    .trim();
}

export function guessPersonal(header: string, shapes: ValueShapes): PersonalGuess | undefined {
  const words = headerWords(header);
  const named = HEADERS.find(([pattern]) => pattern.test(words));
  if (named) return { what: named[1], isSure: true };
  if (shapes.email >= SHARE_MIN) return { what: "values look like e-mail addresses", isSure: false };
  if (/\b(code|census|pin ?code|pincode)\b/.test(words)) return undefined;
  if (shapes.phone >= SHARE_MIN) return { what: "values look like telephone numbers", isSure: false };
  if (shapes.nationalNumber >= SHARE_MIN) return { what: "values look like numbers of persons", isSure: false };
  // Whose name it is cannot be told; of a village it would stand before: "village name".
  if (/^(name|names|name of the|title and name)$/.test(words))
    return { what: "perhaps a person's name", isSure: false };
  return undefined;
}
