// The published text of a definition: what SD-JWT VC reads in it, and the definition that comes out of it again.
import { describe, expect, it } from "vitest";
import { canonicalJson, type JsonObject, parseJson } from "../../src/crypto/json.ts";
import { parseDefinition } from "../../src/registries/definition.ts";
import { formatDefinitionText, readDefinitionText } from "../../src/registries/type-metadata.ts";
import { definition } from "../node-fixture.ts";

const VCT = "https://a.example/registries/wells/schema/1";

describe("a published definition", () => {
  it.each<[string, JsonObject]>([
    ["texts by language", { title: { en: "Wells", hi: "कुएँ" }, description: { hi: "पानी" }, display: { en: "{name}" } }],
    ["single texts", { title: "Wells", description: "Water", display: "{name}" }],
    ["none but its title", { display: undefined as never }],
  ])("with %s gives back the definition that was written, and is of its URL", (_name, members) => {
    const { description: _none, ...plain } = definition("wells", { members });
    const written = JSON.parse(JSON.stringify({ ...plain, ...members })) as JsonObject;
    const { definition: parsed } = parseDefinition(written);
    const text = formatDefinitionText(parsed, VCT);
    expect(canonicalJson(readDefinitionText(text))).toBe(canonicalJson(written));
    expect(parseJson(text)).toMatchObject({ vct: VCT, name: "wells", schema: written.schema! });
  });

  it("has names by language and one description where the standard looks for them", () => {
    const members = { title: { en: "Wells", hi: "कुएँ" }, description: { en: "Water", hi: "पानी" } };
    const text = formatDefinitionText(parseDefinition(definition("wells", { members })).definition, VCT);
    expect(parseJson(text)).toMatchObject({
      description: "Water",
      display: [
        { locale: "en", name: "Wells", description: "Water" },
        { locale: "hi", name: "कुएँ", description: "पानी" },
      ],
      record_display: "{name}",
    });
  });

  it("of before is read as it stands", () => {
    const text = canonicalJson(definition("wells"));
    expect(readDefinitionText(text)).toEqual(parseJson(text));
  });
});
