// Which addresses are public, first and last of every block that is not, and their neighbours.
import { describe, expect, it } from "vitest";
import { isLoopbackAddress, isPublicAddress } from "../../src/federation/public-address.ts";

// From the IANA IPv4 and IPv6 Special-Purpose Address Registries, and for multicast RFC 5771 and RFC 4291.
const NOT_PUBLIC = `
  0.0.0.0 0.255.255.255
  10.0.0.0 10.255.255.255
  100.64.0.0 100.100.100.200 100.127.255.255
  127.0.0.0 127.0.0.1 127.255.255.255
  168.63.129.16
  169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
  172.16.0.0 172.31.255.255
  192.0.0.0 192.0.0.192 192.0.0.255
  192.0.2.0 192.0.2.255
  192.88.99.0 192.88.99.255
  192.168.0.0 192.168.255.255
  198.18.0.0 198.19.255.255
  198.51.100.0 198.51.100.255
  203.0.113.0 203.0.113.255
  224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255
  :: ::1 ::2
  ::ffff:0.0.0.0 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe
  ::127.0.0.1 ::8.8.8.8
  64:ff9b:: 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8 64:ff9b:1::1 64:ff9b:1:ffff:ffff:ffff:ffff:ffff
  100:: 100::ffff:ffff:ffff:ffff
  2001:: 2001:0:1::1 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
  2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
  2002:: 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
  5f00::1
  fc00:: fd00:ec2::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  fe80:: fe80::1 fe80::1%eth0 febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
  fec0::1 ff00:: ff02::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`;

const PUBLIC = `
  1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
  168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255
  192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
  223.255.255.255
  2000:: 2001:200:: 2001:db7:ffff:: 2001:db9:: 2003:: 2606:4700:4700::1111 3ffe:: 3fff:1000:: 2a00:1450:4001::200e`;

const NO_ADDRESS = [
  "",
  "localhost",
  "[::1]",
  "8.8.8",
  "8.8.8.8.8",
  "0x8.8.8.8",
  "08.8.8.8",
  "8.8.8.8/32",
  "8.8.8.8 ",
  "1e1",
];

const split = (text: string): string[] => text.trim().split(/\s+/);

describe("an address", () => {
  it.each(split(NOT_PUBLIC))("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));
  it.each(split(PUBLIC))("%s is public", (address) => expect(isPublicAddress(address)).toBe(true));
  it.each(NO_ADDRESS)("%j is none", (text) => {
    expect([isPublicAddress(text), isLoopbackAddress(text)]).toEqual([false, false]);
  });
  it("of this machine is 127.0.0.0/8 or ::1", () => {
    const all = [...split(NOT_PUBLIC), ...split(PUBLIC)].filter(isLoopbackAddress);
    expect(all).toEqual(["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"]);
  });
});
