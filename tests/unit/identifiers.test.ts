// The pure rules of identifiers: templates, the texts they write and read, and check characters.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { checkCharacter } from "../../src/registries/check-character.ts";
import { type Definition, parseDefinition } from "../../src/registries/definition.ts";
import {
  formatIdentifier,
  type IdentifierTemplate,
  identifierCounterName,
  parseIdentifierTemplate,
  readIdentifierNumber,
} from "../../src/registries/identifier-template.ts";
import { caughtCode } from "../caught-code.ts";

const JULY_2026 = Date.parse("2026-07-31T23:59:59Z") / 1_000;
const AUGUST_2026 = JULY_2026 + 1;
const JULY_2027 = Date.parse("2027-07-01T00:00:00Z") / 1_000;
const text = { type: "string" } as const;

function definitionOf(identifier: string, changes: JsonObject = {}): Definition {
  const address = { type: "object", additionalProperties: false, required: ["city"], properties: { city: text } };
  const schema = {
    type: "object",
    additionalProperties: false,
    required: ["office", "address", "secret"],
    properties: { office: text, address, secret: { ...text, "x-personal": true }, optional: text },
  };
  const members = { name: "births", type: "births", title: "Births", access: "public", schema, identifier };
  return parseDefinition({ ...members, ...changes }).definition;
}

function sequenceOf(identifier: string): Extract<IdentifierTemplate, { kind: "sequence" }> {
  const template = parseIdentifierTemplate(definitionOf(identifier));
  if (template?.kind !== "sequence") throw new Error("not a template with a number");
  return template;
}

const data = { office: "DL-07", address: { city: "Pune" }, secret: "s" };

describe("a check character", () => {
  // ISO/IEC 7064:2003 gives 0794 → 5. The others stand in norms that use the systems: the Global Release Identifier's own example,
  // the ISAN of "Amok Time" without and with its version, a Croatian and a German number.
  it.each([
    ["mod-11-10", "0794", "5"],
    ["mod-11-10", "00200667308", "5"],
    ["mod-11-10", "3339200596", "1"],
    ["mod-11-10", "8609574271", "9"],
    ["mod-37-36", "A12425GABC1234002", "M"],
    ["mod-37-36", "A1-2425G-ABC1234002", "M"],
    ["mod-37-36", "00000000C36D002B", "K"],
    ["mod-37-36", "0000-0000-C36D-002B-0000-0000", "E"],
  ] as const)("%s of %s is %s", (system, digits, expected) => {
    expect(checkCharacter(digits, system)).toBe(expected);
  });

  it("catches every single wrong character", () => {
    for (const [system, alphabet, number] of [
      ["mod-11-10", "0123456789", "00200667308"],
      ["mod-37-36", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A12425GABC1234002"],
    ] as const) {
      const right = checkCharacter(number, system);
      for (let at = 0; at < number.length; at++)
        for (const other of alphabet)
          if (other !== number[at])
            expect(checkCharacter(number.slice(0, at) + other + number.slice(at + 1), system)).not.toBe(right);
    }
  });

  it("is not to be had of a text with other characters", () => {
    expect(checkCharacter("12A", "mod-11-10")).toBeUndefined();
    expect(checkCharacter("É1", "mod-37-36")).toBeUndefined();
  });
});

describe("an identifier template", () => {
  it.each([
    ["BR-{yyyy}-{seq:8}", 42, "BR-2026-00000042"],
    ["{seq}", 42, "42"],
    ["{seq:2}/{yyyy}", 1234, "1234/2026"],
    ["$&-{seq}-$1", 1, "$&-1-$1"],
    ["{yyyy}{mm}-{seq:3}", 7, "202607-007"],
    ["{data.office}/{seq:4}", 7, "DL-07/0007"],
    ["{data.address.city}-{seq}", 7, "Pune-7"],
    ["079{seq}-{check}", 4, "0794-5"],
    ["A1-2425G-ABC{seq:7}-{check}", 1_234_002, "A1-2425G-ABC1234002-M"],
  ])("%s writes number %i as %s", (identifier, number, expected) => {
    const template = sequenceOf(identifier);
    expect(formatIdentifier({ template, data, at: JULY_2026, number })).toBe(expected);
    expect(readIdentifierNumber(expected, { template, data })?.number).toBe(number);
  });

  it("counts anew wherever the text around the number is another, and only there", () => {
    const name = (identifier: string, at: number, office = "DL-07") =>
      identifierCounterName({ registry: "births", template: sequenceOf(identifier), data: { ...data, office }, at });
    expect(name("{yyyy}-{seq}", JULY_2026)).toBe(name("{yyyy}-{seq}", AUGUST_2026));
    expect(name("{yyyy}-{seq}", JULY_2026)).not.toBe(name("{yyyy}-{seq}", JULY_2027));
    expect(name("{yyyy}{mm}{seq}", JULY_2026)).not.toBe(name("{yyyy}{mm}{seq}", AUGUST_2026));
    expect(name("{yyyy}{mm}{seq}", JULY_2026)).not.toBe(name("{yyyy}{mm}{seq}", JULY_2027));
    expect(name("B-{seq}", JULY_2026)).toBe(name("B-{seq}", JULY_2027));
    expect(name("{data.office}{seq}", JULY_2026)).not.toBe(name("{data.office}{seq}", JULY_2026, "DL-08"));
    // More digits go on with the same numbers: 41 and 00042 would else become 00041 and 00042 again.
    expect(name("B-{seq}", JULY_2026)).toBe(name("B-{seq:5}", JULY_2026));
  });

  it("reads the number, year and month out of what it would have written, and out of nothing else", () => {
    const monthly = sequenceOf("B{yyyy}-{mm}/{yyyy}/{seq:4}");
    const read = readIdentifierNumber("B1999-04/1999/0031", { template: monthly, data });
    expect(read).toEqual({ number: 31, at: Date.parse("1999-04-01T00:00:00Z") / 1_000 });
    for (const other of ["B1999-04/1998/0031", "B1999-13/1999/0031", "B1999-04/1999/31", "B1999-04/1999/0000", "X"])
      expect(readIdentifierNumber(other, { template: monthly, data })).toBeUndefined();
    const checked = sequenceOf("079{seq}-{check}");
    expect(readIdentifierNumber("0794-6", { template: checked, data })).toBeUndefined();
    expect(readIdentifierNumber("aXc-1", { template: sequenceOf("a.c-{seq}"), data })).toBeUndefined();
  });

  it.each([
    ["office", "DL 07"],
    ["office", ""],
    ["office", "-7"],
    ["office", "x".repeat(41)],
    ["office", "पुणे"],
    ["office", 7],
    ["office", undefined],
  ])("takes no %s of %j into an identifier", (_name, office) => {
    const options = { template: sequenceOf("{data.office}-{seq}"), data: { office } as JsonObject, at: 0, number: 1 };
    expect(caughtCode(() => formatIdentifier(options))).toBe("record_invalid");
  });

  it("writes no identifier that is too long to be printed", () => {
    const template = sequenceOf("{data.office}-{data.office}-{seq}");
    const options = { template, data: { office: "x".repeat(40) }, at: 0, number: 1 };
    expect(caughtCode(() => formatIdentifier(options))).toBe("record_invalid");
  });

  it.each([
    ["no number", "{yyyy}{seq:0}"],
    ["a month of no year", "{mm}-{seq}"],
    ["a check character before the number", "{check}{seq}"],
    ["two check characters", "{seq}{check}{check}"],
    ["letters that the check character does not cover", "é{seq}{check}"],
    ["a field that may be missing", "{data.optional}-{seq}"],
    ["a personal field", "{data.secret}-{seq}"],
    ["a field that is none", "{data.constructor}-{seq}"],
    ["an object", "{data.address}-{seq}"],
    ["a line break", "a\n{seq}"],
    ["an unknown part", "{day}-{seq}"],
  ])("with %s is refused: %s", (_name, identifier) => {
    expect(caughtCode(() => parseIdentifierTemplate(definitionOf(identifier)))).toBe("definition_invalid");
  });
});
