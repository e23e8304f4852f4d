import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { DISPLAY_CHARS_MAX } from "../../src/limits.ts";
import { formatDisplay } from "../../src/registries/display-template.ts";
import type { LocalizedText } from "../../src/registries/localized-text.ts";

function display(template: LocalizedText | undefined, data: JsonObject, languages: string[] = [], identifier?: string) {
  const definition = template === undefined ? {} : { display: template };
  return formatDisplay({ definition, data, identifier, rid: "the-rid", languages });
}

describe("the name of a record for people", () => {
  it("is the template filled with fields, nested ones and lists too", () => {
    const data = { name: "Asha", address: { city: "Pune" }, tags: ["a", "b"], plot: 7 };
    expect(display("{name} of {address.city}: {tags}, plot {plot}", data)).toBe("Asha of Pune: a, b, plot 7");
  });

  it("leaves out what its reader is not shown, with the brackets and commas around it", () => {
    expect(display("{name} ({born}), {address.city}", { name: "Asha" })).toBe("Asha");
    expect(display("{born} – {name}", { name: "Asha" })).toBe("Asha");
  });

  it("falls back to the identifier, and then to the rid", () => {
    expect(display("{name}", {}, [], "BR-1")).toBe("BR-1");
    expect(display("Birth of {name}", { name: "" }, [])).toBe("the-rid");
    expect(display(undefined, { name: "Asha" }, [])).toBe("the-rid");
  });

  it("is in the reader's language where there is one", () => {
    const template = { en: "{name} district", hi: "{name} ज़िला" };
    expect(display(template, { name: "X" }, ["hi"])).toBe("X ज़िला");
    expect(display(template, { name: "X" }, ["fr"])).toBe("X district");
  });

  it("does not fill a value that looks like a template, nor take what every object inherits for a field", () => {
    expect(display("{name}", { name: "{rid} $& $1" })).toBe("{rid} $& $1");
    expect(display("{constructor} {name}", { name: "X" })).toBe("X");
  });

  it("is cut at a length that fits a line, between characters", () => {
    const text = display("{name}", { name: "😀".repeat(DISPLAY_CHARS_MAX + 5) });
    expect([...text]).toHaveLength(DISPLAY_CHARS_MAX);
    expect(text.endsWith("😀…")).toBe(true);
  });
});
