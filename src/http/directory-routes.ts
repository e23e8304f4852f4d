// The JSON API of the directory: who belongs to the federation, page by page. Reads what the node's own job found; asks nobody.
import type { DirectoryService } from "../federation/directory-service.ts";
import type { DirectoryMember } from "../federation/directory-view-store.ts";
import { DIRECTORY_REFRESH_SECONDS, ENTITY_IDENTIFIER_CHARS_MAX } from "../limits.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { LIMIT } from "./parameters.ts";

const MEMBER_EXAMPLE = {
  entity: "https://land.example",
  organization_name: "Department of Land Records",
  superior: "https://state.example",
  path: ["https://anchor.example", "https://state.example"],
  registry_types: ["parcels"],
  vouches_for_others: false,
  state: "valid",
  state_since: "2026-11-24T09:00:00.000Z",
  valid_until: "2026-11-24T10:00:00.000Z",
  checked_at: "2026-11-24T09:20:00.000Z",
};
const STATES = ["valid", "expired", "unreachable", "refused", "suspended", "removed"] as const;

const listDirectory = declareOperation({
  id: "listDirectory",
  method: "get",
  path: "/federation/directory",
  tag: "Federation",
  summary: "Who belongs to the federation",
  description: `The members below the anchors that this node trusts, as it last found them: it asks for what changed every ${DIRECTORY_REFRESH_SECONDS / 60} minutes, where it keeps a directory. \`registry_types\` is what the proven chain lets a member sign. It is told for orientation: whoever relies on a record proves its issuer's chain anew.`,
  actions: ["federation.speak"],
  query: {
    type: {
      description: "Only members that may sign this registry type.",
      schema: { type: "string", minLength: 1, maxLength: 200, pattern: "^[^\\x00-\\x1f]+$" },
      example: "parcels",
    },
    state: {
      description:
        "Only members in this state. `valid`: a chain was proven; `expired`: that has ended; `unreachable`: it does not answer; `refused`: its chain does not hold; `suspended`, `removed`: nobody vouches for it any more.",
      schema: { enum: STATES },
      example: "valid",
    },
    formerly: {
      description:
        "Only the member that had this entity identifier before it moved, as its superior says. None where that is not clear. A hint: the chain of the member says it too, or it is not so.",
      schema: { type: "string", maxLength: ENTITY_IDENTIFIER_CHARS_MAX, pattern: "^[\\x21-\\x7e]+$" },
    },
    cursor: {
      description: "Where to go on: `next` of the page before.",
      schema: { type: "string", maxLength: ENTITY_IDENTIFIER_CHARS_MAX, pattern: "^[\\x21-\\x7e]+$" },
    },
    limit: { ...LIMIT, description: LIMIT.description.replace("Records", "Members") },
  },
  responses: {
    200: jsonAnswer({
      description: "A page of members, by entity identifier.",
      schema: {
        type: "object",
        required: ["members"],
        properties: {
          members: {
            type: "array",
            items: {
              type: "object",
              required: [
                "entity",
                "path",
                "registry_types",
                "vouches_for_others",
                "state",
                "state_since",
                "checked_at",
              ],
              properties: {
                entity: { type: "string", format: "uri" },
                organization_name: { type: "string" },
                superior: { type: "string", format: "uri", description: "Absent from an anchor." },
                path: { type: "array", items: { type: "string", format: "uri" }, description: "From the anchor down." },
                registry_types: { type: "array", items: { type: "string" } },
                formerly: {
                  type: "array",
                  items: { type: "string" },
                  description: "What it was called before it moved.",
                },
                vouches_for_others: { type: "boolean" },
                state: { type: "string", enum: [...STATES] },
                code: { type: "string", description: "What went wrong, of those unreachable or refused." },
                state_since: { type: "string", format: "date-time" },
                valid_until: { type: "string", format: "date-time" },
                checked_at: { type: "string", format: "date-time" },
              },
            },
          },
          next: { type: "string" },
          refreshed_at: { type: "string", format: "date-time", description: "Absent before the first refresh ended." },
        },
      },
      example: { members: [MEMBER_EXAMPLE], refreshed_at: "2026-11-24T09:20:00.000Z" },
    }),
  },
});

function formatTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function describeMember(member: DirectoryMember) {
  const { entity, organizationName, superior, path, registryTypes, isSuperior, state, code, validUntil } = member;
  return {
    entity,
    ...(organizationName !== null && { organization_name: organizationName }),
    ...(superior !== null && { superior }),
    path: [...path],
    registry_types: [...registryTypes],
    ...(member.formerly.length > 0 && { formerly: [...member.formerly] }),
    vouches_for_others: isSuperior,
    state,
    ...(code !== null && { code }),
    state_since: formatTime(member.stateSince),
    ...(validUntil !== null && { valid_until: formatTime(validUntil) }),
    checked_at: formatTime(member.checkedAt),
  };
}

export function createDirectoryRoutes({ directory }: { directory: DirectoryService }): OperationRoutes {
  const routes = createOperationRoutes();
  const list = async ({ formerly, ...query }: Parameters<DirectoryService["list"]>[0]) => {
    if (formerly === undefined) return directory.list(query);
    const successor = await directory.findSuccessor(formerly);
    return { members: successor ? [successor] : [], next: undefined };
  };
  routes.handle(listDirectory, async ({ context, query }) => {
    const [{ members, next }, { refreshedAt }] = await Promise.all([list(query), directory.summarize()]);
    return context.json({
      members: members.map(describeMember),
      ...(next !== undefined && { next }),
      ...(refreshedAt !== undefined && { refreshed_at: formatTime(refreshedAt) }),
    });
  });
  return routes;
}
