// A record's data to a form and back, what was changed in it, the rules of its inputs, and how records are looked for: from values alone.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { planPick } from "../../src/records/references/pick-plan.ts";
import { applyMergePatch } from "../../src/records/writing/merge-patch.ts";
import { type CompiledDefinition, compileDefinition } from "../../src/registries/compiled-definition.ts";
import { describeRules, findFieldFault, parseNumber } from "../../src/web/console/field-rules.ts";
import { controlOf, rulesOf } from "../../src/web/console/form-field.ts";
import {
  changeRows,
  createMergePatch,
  createTrim,
  describeData,
  joinPatches,
  readData,
  readFormState,
} from "../../src/web/console/record-form.ts";
import { type FieldView, listFields } from "../../src/web/field-view.ts";
import { HEALTH } from "../desk-world.ts";

function compile(properties: JsonObject, required: string[] = []): CompiledDefinition {
  const definition = {
    name: "things",
    type: "things",
    title: "Things",
    access: "public",
    schema: { type: "object", additionalProperties: false, required, properties },
  };
  return compileDefinition({ entity: "https://a.example", version: 1, text: JSON.stringify(definition) });
}

const fieldsOf = (...of: Parameters<typeof compile>): FieldView[] => listFields(compile(...of));

describe("the input of a field", () => {
  test.each([
    [{ type: "string" }, "area"],
    [{ type: "string", maxLength: 80 }, "text"],
    [{ type: "string", maxLength: 2_000 }, "area"],
    [{ type: "string", "x-search": "prefix" }, "text"],
    [{ type: ["string", "null"], format: "date" }, "date"],
    [{ type: "string", format: "date-time" }, "instant"],
    [{ type: "string", format: "uri" }, "url"],
    [{ type: ["integer", "null"] }, "number"],
    [{ type: "boolean" }, "choice"],
    [{ enum: ["a", 2] }, "choice"],
    [{ type: ["string", "number"] }, "json"],
    [{ type: "object" }, "json"],
    [{ type: "array" }, "json"],
    [{ type: "array", items: { type: "array", items: { type: "string" } } }, "json"],
    [{ type: "array", items: { type: "string" } }, "list"],
    [{ type: "object", "x-attachment": true }, "attachment"],
    [{ type: "string", "x-reference": { type: "states" } }, "reference"],
  ] as const)("of %j is %s", (schema, control) => {
    expect(controlOf(fieldsOf({ field: schema as unknown as JsonObject })[0]!)).toBe(control);
  });

  test.each([
    [{ type: "integer", minimum: 1, maximum: 9 }, "", undefined],
    [{ type: "integer", minimum: 1, maximum: 9 }, "x", "Write a number"],
    [{ type: "integer", minimum: 1, maximum: 9 }, "1.5", "Write a whole number."],
    [{ type: "integer", minimum: 1, maximum: 9 }, "0", "Write 1 or more."],
    [{ type: "integer", minimum: 1, maximum: 9 }, "10", "Write 9 or less."],
    [{ type: "integer" }, "12345678901234567", "Write a number of at most 15 digits."],
    [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, "0", "Write more than 0."],
    [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, "1", "Write less than 1."],
    [{ type: "number", multipleOf: 0.1 }, "0.3", undefined],
    [{ type: "number", multipleOf: 0.1 }, "0.35", "Write a multiple of 0.1."],
    [{ type: "string", minLength: 2, maxLength: 3 }, "a", "Write at least 2 characters."],
    // As JSON Schema counts: characters, not halves of them.
    [{ type: "string", minLength: 2, maxLength: 3 }, "😀😀😀", undefined],
    [{ type: "string", minLength: 2, maxLength: 3 }, "abcd", "Write at most 3 characters; these are 4."],
    [{ type: "string", pattern: "^[A-Z]{2}$" }, "a", "Such as: AB"],
    [{ type: "string", format: "date" }, "2026-02-31", "Write a day"],
    [{ type: "string", format: "date" }, "2026-02-28", undefined],
    [{ type: "string", format: "date-time" }, "2026-02-28", "Write a day, a time and its zone"],
    [{ type: "string", format: "date-time" }, "2026-02-28T09:00:00+05:30", undefined],
    [{ type: "string", format: "uri" }, "here", "Write a whole address"],
  ] as const)("with %j finds in %j: %s", (schema, text, fault) => {
    const [field] = fieldsOf({ field: schema as unknown as JsonObject });
    const found = findFieldFault(rulesOf(field!, undefined), text);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(fault);
  });

  test("must be filled in: always, or once something of its group is stated", () => {
    const [field] = fieldsOf({ field: { type: "string", maxLength: 9 } }, ["field"]);
    expect(findFieldFault(rulesOf(field!, "always"), "", false)).toBe("Fill this in.");
    expect(findFieldFault(rulesOf(field!, "with-group"), "", false)).toBeUndefined();
    expect(findFieldFault(rulesOf(field!, "with-group"), "", true)).toBe("Fill this in.");
    expect(describeRules(rulesOf(field!, "always"))).toBe("At most 9 characters.");
  });

  test("reads numbers as JSON has them, and only those that stay what they are", () => {
    expect(["1", "-0.5", "1e3", "007", "", "1,5", "0x1", "9007199254740993"].map(parseNumber)).toEqual([
      1,
      -0.5,
      1_000,
      7,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("a form", () => {
  const health = compileDefinition({ entity: "https://a.example", version: 1, text: JSON.stringify(HEALTH) });
  const fields = listFields(health);
  const data: JsonObject = {
    name: "Civil Hospital",
    licence: "PB-0001",
    kind: "hospital",
    address: { street: "Mall Road", district: { href: "https://b.example/x", version: 1, digest: "d" } },
    opened: "2020-04-01",
    beds: 0,
    is_emergency: false,
    languages: ["Hindi", "Punjabi"],
    departments: [{ name: "Surgery", days: ["mon", "tue"] }, { name: "Radiology" }],
    remarks: "a\nb",
  };

  /** As a browser sends it: line ends are two characters. */
  function send(state: ReturnType<typeof describeData>): URLSearchParams {
    const sent = new URLSearchParams();
    for (const [name, value] of state.values) sent.set(name, value.replaceAll("\n", "\r\n"));
    for (const [list, count] of state.rows) for (let row = 0; row < count; row++) sent.append("row", `${list}/${row}`);
    return sent;
  }

  test("that nobody touched changes nothing, though it shows a pinned reference by its address alone", () => {
    const opened = readData(fields, describeData(fields, data));
    const back = readData(fields, readFormState(fields, send(describeData(fields, data)), { keepsBlanks: false }));
    expect(back).toEqual(opened);
    expect(createMergePatch(opened.data, back.data)).toBeUndefined();
    expect(back.data).toEqual({ ...data, address: { street: "Mall Road", district: "https://b.example/x" } });
  });

  test("gives a patch of what was changed alone, which leads from one to the other", () => {
    const sent = send(describeData(fields, data));
    sent.set("/data/address/street", "Ring Road");
    sent.set("/data/beds", " 12 ");
    sent.set("/data/remarks", " ");
    sent.set("/data/is_emergency", "");
    const back = readData(fields, readFormState(fields, sent, { keepsBlanks: false })).data;
    const patch = createMergePatch(readData(fields, describeData(fields, data)).data, back)!;
    expect(patch).toEqual({ address: { street: "Ring Road" }, beds: 12, remarks: null, is_emergency: null });
    const { remarks: _r, is_emergency: _e, ...rest } = data;
    // What is pinned stays so.
    expect(applyMergePatch(data, patch)).toEqual({
      ...rest,
      beds: 12,
      address: { ...(data.address as JsonObject), street: "Ring Road" },
    });
  });

  test("leaves out rows in which nothing is written, once it is sent", () => {
    const sent = new URLSearchParams();
    for (const row of ["/data/languages/5", "/data/languages/9", "/data/departments/1", "/data/departments/1/days/0"])
      sent.append("row", row);
    sent.set("/data/languages/9", "Hindi");
    sent.set("/data/languages/77", "of no row");
    const typed = readFormState(fields, sent, { keepsBlanks: true });
    expect([typed.rows.get("/data/languages"), typed.values.get("/data/languages/1")]).toEqual([2, "Hindi"]);
    expect(readData(fields, readFormState(fields, sent, { keepsBlanks: false })).data).toEqual({
      address: {},
      languages: ["Hindi"],
    });
    const longer = changeRows(sent, "add:/data/languages");
    expect(longer.getAll("row")).toContain("/data/languages/10");
    const shorter = changeRows(longer, "remove:/data/languages/9");
    expect(readFormState(fields, shorter, { keepsBlanks: true }).rows.get("/data/languages")).toBe(2);
  });

  test("keeps a field that is named as what every object has, and one with a slash in its name", () => {
    const odd = fieldsOf({
      constructor: { type: "string" },
      "a/b~c": { type: "string" },
      toString: { type: "string" },
    });
    const sent = new URLSearchParams({ "/data/constructor": "x", "/data/a~1b~0c": "y" });
    expect(readData(odd, readFormState(odd, sent, { keepsBlanks: false })).data).toEqual(
      Object.fromEntries([
        ["constructor", "x"],
        ["a/b~c", "y"],
      ]),
    );
  });

  test("of an older record takes away what the registry no longer has, and says what", () => {
    const old = { ...data, old: 1, address: { ...(data.address as JsonObject), lane: "x" } };
    const trim = createTrim(fields, old)!;
    expect(trim.patch).toEqual({ old: null, address: { lane: null } });
    expect([...trim.names].sort()).toEqual(["lane", "old"]);
    expect(joinPatches(trim.patch, { address: { street: "y" }, beds: 1 })).toEqual({
      old: null,
      address: { lane: null, street: "y" },
      beds: 1,
    });
    expect(createTrim(fields, data)).toBeUndefined();
  });
});

describe("records are looked for", () => {
  const planOf = (properties: JsonObject, typed: string) => {
    const { annotations, definition } = compile(properties);
    return planPick({ name: "things", annotations, schema: definition.schema, isNumbered: false }, typed);
  };

  test("by the beginning of a text and by a code, and never by what is personal", () => {
    const properties = {
      name: { type: "string", "x-search": "prefix" },
      code: { type: "string", "x-unique": true },
      number: { type: "integer", "x-unique": true },
      secret: { type: "string", "x-unique": true, "x-personal": true },
    };
    expect(planOf(properties, "ab").map(({ fields }) => fields)).toEqual([{ "name[prefix]": "ab" }, { code: "ab" }]);
    expect(planOf(properties, "")).toEqual([{ fields: {}, isListed: false }]);
  });

  test("by their names where the registry is searched by no part of a text", () => {
    expect(planOf({ code: { type: "string", "x-unique": true } }, "ab")).toEqual([
      { fields: {}, isListed: true },
      { fields: { code: "ab" }, isListed: false },
    ]);
  });
});
