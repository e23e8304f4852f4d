// The address of a record, and what counts as a reference to one.
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/crypto/json.ts";
import { formatRecordUrl, parseRecordUrl, parseReference } from "../../src/records/record-url.ts";

const RID = "0190f3b2-1c2d-8abc-9def-0123456789ab";
const HREF = `https://lgd.example/in/registries/districts/records/${RID}`;
const DIGEST = "A".repeat(43);

describe("the URL of a record", () => {
  it("names entity, registry and rid, and is written as it is read", () => {
    const address = { entity: "https://lgd.example/in", registry: "districts", rid: RID };
    expect(parseRecordUrl(HREF)).toEqual(address);
    expect(formatRecordUrl(address)).toBe(HREF);
    const deep = `http://127.0.0.1:7000/registries/a/records/b/registries/districts/records/${RID}`;
    expect(formatRecordUrl(parseRecordUrl(deep)!)).toBe(deep);
  });

  it.each([
    ["another scheme", HREF.replace("https", "ftp")],
    ["no entity", `/registries/districts/records/${RID}`],
    ["a rid in capitals", HREF.toUpperCase().replace("HTTPS", "https")],
    ["a rid of another version", HREF.replace("-8abc-", "-4abc-")],
    ["a rid of another variant", HREF.replace("-9def-", "-cdef-")],
    ["a query", `${HREF}?version=1`],
    ["a fragment", `${HREF}#1`],
    ["a query before the registries", HREF.replace("/in/", "/in?x=/")],
    ["a space", HREF.replace("/in/", "/i n/")],
    ["a newline after it", `${HREF}\n`],
    ["something after it", `${HREF}/evidence`],
    ["a registry that is no name", HREF.replace("districts", "Districts")],
    ["encoded slashes", HREF.replace("/records/", "%2Frecords%2F")],
  ])("is none with %s", (_name, url) => {
    expect(parseRecordUrl(url)).toBeUndefined();
  });
});

describe("a reference", () => {
  it("is a URL, live, or an object that may pin version and digest", () => {
    expect(parseReference(HREF)).toEqual({ href: HREF });
    expect(parseReference({ href: HREF })).toEqual({ href: HREF });
    const pinned = { href: HREF, version: 2, digest: DIGEST };
    expect(parseReference(pinned)).toEqual(pinned);
  });

  it.each<[string, Json]>([
    ["a text that is no record's URL", "https://lgd.example/in"],
    ["an object without href", { version: 1, digest: DIGEST }],
    ["a version without the digest", { href: HREF, version: 1 }],
    ["a digest without the version", { href: HREF, digest: DIGEST }],
    ["version 0", { href: HREF, version: 0, digest: DIGEST }],
    ["a version in a text", { href: HREF, version: "1", digest: DIGEST }],
    ["a short digest", { href: HREF, version: 1, digest: DIGEST.slice(1) }],
    ["an unknown member", { href: HREF, note: "x" }],
    ["a list", [HREF]],
    ["null", null],
    ["a number", 7],
  ])("is not %s", (_name, value) => {
    expect(parseReference(value)).toBeUndefined();
  });
});
