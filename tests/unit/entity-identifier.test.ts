// What is an entity identifier, and which addresses a node may speak to.
import { describe, expect, test } from "vitest";
import {
  entityConfigurationUrl,
  entityWithoutScheme,
  parseEntityIdentifier,
} from "../../src/federation/entity-identifier.ts";
import { isPublicAddress } from "../../src/federation/public-address.ts";
import { caughtCode } from "../caught-code.ts";

describe("an entity identifier", () => {
  test.each([
    "https://example.org",
    "https://example.org:8443",
    "https://example.org/departments/lgd",
    "https://xn--bcher-kva.example",
    "https://[2001:db8::1]/node",
  ])("may be %s", (text) => {
    expect(parseEntityIdentifier(text, { allowLoopbackHttp: false })).toBe(text);
  });

  test.each([
    ["another scheme", "ftp://example.org"],
    ["plain http", "http://example.org"],
    ["no scheme", "example.org"],
    ["a closing slash", "https://example.org/"],
    ["a closing slash after a path", "https://example.org/lgd/"],
    ["a query", "https://example.org/lgd?a=b"],
    ["an empty query", "https://example.org/lgd?"],
    ["a fragment", "https://example.org/lgd#a"],
    ["a user", "https://me@example.org"],
    ["capitals in the host", "https://Example.org"],
    ["the default port", "https://example.org:443"],
    ["a step back in the path", "https://example.org/a/../b"],
    ["a backslash", "https://example.org\\\\lgd"],
    ["a blank at its end", "https://example.org "],
    ["a letter that is not ASCII", "https://bücher.example"],
    ["too many characters", `https://example.org/${"a".repeat(1_024)}`],
    ["no host", "https://"],
    ["the type of a number", 7],
  ])("has not %s", (_, text) => {
    expect(caughtCode(() => parseEntityIdentifier(text, { allowLoopbackHttp: true }))).toBe(
      "entity_identifier_invalid",
    );
  });

  test("uses http on a loopback host in development only", () => {
    const text = "http://127.0.0.1:4100/lgd";
    expect(parseEntityIdentifier(text, { allowLoopbackHttp: true })).toBe(text);
    expect(caughtCode(() => parseEntityIdentifier(text, { allowLoopbackHttp: false }))).toBe(
      "entity_identifier_invalid",
    );
  });

  test("is the beginning of the node's addresses", () => {
    expect(entityConfigurationUrl("https://example.org/lgd")).toBe(
      "https://example.org/lgd/.well-known/openid-federation",
    );
    expect(entityWithoutScheme("http://127.0.0.1:4100/lgd")).toBe("127.0.0.1:4100/lgd");
  });
});

describe("the public internet", () => {
  test.each(["8.8.8.8", "172.15.255.255", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "2001:4860:4860::8888"])(
    "holds %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each([
    "0.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.53",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "example.org",
    "",
  ])("does not hold %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
