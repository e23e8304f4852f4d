// The JSON API of definitions: publish, list, versions, and the exact text that tokens hash.
import { Hono } from "hono";
import { AttestryError } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { checkPermitted } from "../identity/permissions.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { readJson, readNumber } from "./request.ts";

function describe(entity: string, compiled: CompiledDefinition) {
  const { definition, version } = compiled;
  const base = `${entity}/registries/${definition.name}`;
  return {
    ...definition,
    version,
    integrity: compiled.integrity,
    links: { self: base, records: `${base}/records`, schema: compiled.vct, versions: `${base}/versions` },
  };
}

export function createRegistryRoutes(deps: {
  entity: string;
  identity: IdentityService;
  registries: RegistryService;
}): Hono {
  const { entity, identity, registries } = deps;
  const routes = new Hono();

  routes.get("/registries", async (context) => {
    const compiled = await registries.list();
    return context.json({ registries: compiled.map((one) => describe(entity, one)) });
  });

  routes.get("/registries/:registry", async (context) =>
    context.json(describe(entity, await registries.getCurrent(context.req.param("registry")))),
  );

  routes.get("/registries/:registry/versions", async (context) => {
    const registry = context.req.param("registry");
    const versions = await registries.listVersions(registry);
    return context.json({
      versions: versions.map(({ version, logIndex, publishedAt }) => ({
        version,
        schema: `${entity}/registries/${registry}/schema/${version}`,
        log_index: logIndex,
        published_at: new Date(publishedAt * 1_000).toISOString(),
      })),
    });
  });

  routes.get("/registries/:registry/schema/:version", async (context) => {
    const version = readNumber(context.req.param("version"), "version");
    if (version === undefined) throw new AttestryError("version_unknown", "a version is a number");
    const compiled = await registries.getVersion(context.req.param("registry"), version);
    // These bytes are what `vct#integrity` hashes; a version never changes.
    return context.body(compiled.text, 200, {
      "content-type": "application/json",
      "cache-control": "public, max-age=31536000, immutable",
      "access-control-allow-origin": "*",
    });
  });

  routes.put("/registries/:registry", async (context) => {
    const registry = context.req.param("registry");
    const caller = await identity.authenticate(context.req.header("authorization"));
    checkPermitted({ caller, action: "definition.publish", registry });
    const body = await readJson(context);
    const allowBreaking = context.req.query("allow-breaking") === "true";
    const { compiled, logIndex, changed } = await registries.publish(body, { name: registry, allowBreaking });
    return context.json({ ...describe(entity, compiled), log_index: logIndex, changed }, changed ? 201 : 200);
  });

  return routes;
}
