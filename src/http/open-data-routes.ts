// Open data of public registries, for anyone and any page: the last set, sets by the size of the log, their files.
import { AttestryError } from "../errors.ts";
import { OPEN_DATA_INTERVAL_SECONDS } from "../limits.ts";
import { OPEN_DATA_FILES, OPEN_DATA_MEDIA_TYPES, type OpenDataFile } from "../records/bulk/open-data-manifest.ts";
import type { OpenDataService } from "../records/bulk/open-data-service.ts";
import { streamText } from "./export-routes.ts";
import { declareOperation, jsonAnswer, type Schema } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { readNumber } from "./parameters.ts";

const SET: Schema = {
  type: "object",
  required: ["registry", "log_size", "manifest", "links"],
  properties: {
    registry: { type: "string" },
    log_size: { type: "integer" },
    manifest: { type: "string", description: "A JWS, typ attestry-manifest+jwt, by the node's record key." },
    chain: { type: "array", items: { type: "string" } },
    links: { type: "object", additionalProperties: { type: "string" } },
  },
};
const EXAMPLE = {
  registry: "districts",
  log_size: 763,
  manifest: "eyJhbGciOiJFZDI1NTE5In0.eyJyZWdpc3RyeSI6ImRpc3RyaWN0cyJ9.c2lnbmF0dXJl",
  links: { self: "https://lgd.example/registries/districts/open-data/763" },
};
const answer = jsonAnswer({
  description: "The set: its signed manifest, and where its files are.",
  schema: SET,
  example: EXAMPLE,
});

const getOpenData = declareOperation({
  id: "getOpenData",
  method: "get",
  path: "/registries/{registry}/open-data",
  tag: "Open data",
  summary: "The last published set of a public registry's open data",
  description: `A new set is made when the registry changed, at most every ${OPEN_DATA_INTERVAL_SECONDS} seconds.`,
  actions: ["open-data.read"],
  responses: { 200: answer },
  errors: ["registry_unknown", "not_found"],
});

const getOpenDataSet = declareOperation({
  id: "getOpenDataSet",
  method: "get",
  path: "/registries/{registry}/open-data/{size}",
  tag: "Open data",
  summary: "A set of open data by the size of the log that it is as of",
  actions: ["open-data.read"],
  responses: { 200: answer },
  errors: ["registry_unknown", "not_found"],
});

const getOpenDataFile = declareOperation({
  id: "getOpenDataFile",
  method: "get",
  path: "/registries/{registry}/open-data/{size}/{file}",
  tag: "Open data",
  summary: "A file of a set of open data",
  actions: ["open-data.read"],
  responses: {
    200: {
      description: "The file, as its manifest describes it.",
      content: Object.fromEntries(
        Object.values(OPEN_DATA_MEDIA_TYPES).map((type) => [type.split(";")[0]!, { schema: { type: "string" } }]),
      ),
    },
  },
  errors: ["registry_unknown", "not_found"],
});

const FILE_SECONDS = 86_400;

export function createOpenDataRoutes(deps: { openData: OpenDataService }): OperationRoutes {
  const routes = createOperationRoutes();
  const headers = (seconds: number): Record<string, string> => ({
    "access-control-allow-origin": "*",
    "cache-control": `public, max-age=${seconds}`,
  });

  routes.handle(getOpenData, async ({ context, path }) =>
    context.json(await deps.openData.getCurrent(path.registry), 200, headers(60)),
  );

  routes.handle(getOpenDataSet, async ({ context, path }) => {
    const set = await deps.openData.get(path.registry, readNumber(path.size, "size"));
    return context.json(set, 200, headers(3_600));
  });

  routes.handle(getOpenDataFile, async ({ context, path }) => {
    const { registry, file } = path;
    const name = OPEN_DATA_FILES.find((known): known is OpenDataFile => known === file);
    if (!name) throw new AttestryError("not_found", `a set has the files ${OPEN_DATA_FILES.join(", ")}`);
    const chunks = await deps.openData.readFile({ registry, size: readNumber(path.size, "size"), name });
    return context.body(await streamText(chunks), 200, {
      ...headers(FILE_SECONDS),
      "content-type": OPEN_DATA_MEDIA_TYPES[name],
      "content-disposition": `attachment; filename="${registry}-${path.size}-${name}"`,
    });
  });

  return routes;
}
