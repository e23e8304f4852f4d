// A superior under a flood of applications, and decisions that come at the same moment. Real nodes, real HTTP, a real database.
import { afterAll, beforeAll, expect, it } from "vitest";
import { currentSeconds } from "../../src/node.ts";
import { createEntity, draftConfiguration, signDraft } from "../chain-fixture.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";

const TYPES = ["plots"];
const FLOOD = 40;
let superior: TestNode;
let member: TestNode;

beforeAll(async () => {
  superior = await startTestNode();
  member = await startTestNode({ superiors: [superior.entity], anchors: [superior.pin(TYPES)] });
});

afterAll(async () => {
  await member?.close();
  await superior?.close();
});

it("a member joins by its code while strangers apply without end", async () => {
  const terms = { superiors: [superior.entity], registryTypes: TYPES, now: currentSeconds() };
  const configuration = await signDraft(draftConfiguration(createEntity("https://stranger.example"), terms));
  let isOver = false;
  let applied = 0;
  const flood = Array.from({ length: FLOOD }, async () => {
    while (!isOver) {
      const { status } = await superior.request("POST", "/federation/enrolments", { json: { configuration } });
      expect(status).toBe(200);
      applied++;
    }
  });
  try {
    const grant = { registryTypes: TYPES };
    for (let round = 0; round < 5; round++) {
      const { code } = await superior.node.enrolment.createCode({ entity: member.entity, grant, seconds: 600 });
      const enrolment = await member.node.enrolmentClient.apply({
        superior: superior.entity,
        configuration: await member.node.federation.getConfiguration(),
        code,
      });
      expect(enrolment.state).toBe("accepted");
    }
  } finally {
    isOver = true;
    await Promise.all(flood);
  }
  expect(applied).toBeGreaterThan(FLOOD);
}, 60_000);

it("a suspension is not lost to a grant that is changed at the same moment", async () => {
  const { federation } = superior.node;
  for (let round = 0; round < 10; round++) {
    await federation.resumeSubordinate(member.entity);
    await Promise.all([
      federation.suspendSubordinate({ entity: member.entity, reason: "inquiry" }),
      federation.acceptSubordinate({ entity: member.entity, registryTypes: TYPES }),
    ]);
    const [known] = await federation.describeSubordinates();
    expect(known?.state).toBe("suspended");
  }
});
