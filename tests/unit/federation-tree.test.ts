// The tree that `attestry federation tree` prints.
import { expect, it } from "vitest";
import { drawTree } from "../../src/cli/federation-tree.ts";
import type { DirectoryMember } from "../../src/federation/directory-view-store.ts";

const VALID_UNTIL = Date.UTC(2026, 10, 24, 10, 30) / 1_000;

function member(entity: string, changes: Partial<DirectoryMember> = {}): DirectoryMember {
  return {
    entity,
    organizationName: null,
    superior: null,
    path: [],
    registryTypes: [],
    formerly: [],
    isSuperior: false,
    state: "valid",
    code: null,
    stateSince: VALID_UNTIL - 3_600,
    validUntil: VALID_UNTIL,
    checkedAt: VALID_UNTIL - 3_600,
    ...changes,
  };
}

it("stands each member below its superior, and says of each what it may sign and how it is", () => {
  const members = [
    member("https://a", { isSuperior: true, organizationName: "Anchor" }),
    member("https://b", { superior: "https://a", isSuperior: true }),
    member("https://c", { superior: "https://b", registryTypes: ["births", "deaths"] }),
    member("https://d", { superior: "https://a", state: "refused", code: "chain_not_found" }),
  ];
  expect(drawTree(members)).toEqual([
    "Anchor  https://a: vouches for others; valid until 2026-11-24 10:30 UTC",
    "├─ https://b: vouches for others; valid until 2026-11-24 10:30 UTC",
    "│  └─ https://c: may sign births, deaths; valid until 2026-11-24 10:30 UTC",
    "└─ https://d: may sign nothing; refused since 2026-11-24 09:30 UTC (chain_not_found)",
  ]);
});

it("keeps the name of a member on its line, without what steers a terminal", () => {
  const [line] = drawTree([member("https://a", { organizationName: "A\u001b[2J\nB" })]);
  expect(line).toBe("A\ufffd[2J B  https://a: may sign nothing; valid until 2026-11-24 10:30 UTC");
});

it("draws one whose superior is not among them at the margin", () => {
  expect(drawTree([member("https://a", { superior: "https://x" })])).toHaveLength(1);
});
