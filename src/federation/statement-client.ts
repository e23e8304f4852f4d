// Fetches entity statements and proves what can be proven of one alone. Whether anybody vouches for its issuer is not asked here.
import { AttestryError } from "../errors.ts";
import { entityConfigurationUrl } from "./entity-identifier.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import type { CallLimits, HttpClient } from "./http-client.ts";
import { checkStatementTime, verifyStatementSignature } from "./trust-chain.ts";

export interface StatementClient {
  /** The configuration that `entity` serves, signed by a key that it lists itself. Throws `peer_*`, `statement_*` and what parsing throws. */
  fetchConfiguration(entity: string, limits?: CallLimits): Promise<EntityStatement>;
  /** What `superior` says of `subject`, signed by a key of the superior's configuration. Throws as above. */
  fetchSubordinateStatement(superior: EntityStatement, subject: string, limits?: CallLimits): Promise<EntityStatement>;
}

function fetchEndpointOf(superior: EntityStatement): string {
  // OpenID Federation 1.0 §5.1.1: the endpoint stands in the superior's own configuration.
  const endpoint = superior.metadata.get("federation_entity")?.federation_fetch_endpoint;
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) {
    throw new AttestryError("statement_invalid", `${superior.subject} publishes no federation_fetch_endpoint`);
  }
  return endpoint;
}

/** `clock`: Unix seconds. */
export function createStatementClient(deps: { httpClient: HttpClient; clock: () => number }): StatementClient {
  const { httpClient, clock } = deps;
  return {
    async fetchConfiguration(entity, limits) {
      const statement = parseEntityStatement(await httpClient.getStatement(entityConfigurationUrl(entity), limits));
      if (statement.subject !== entity || statement.issuer !== entity) {
        throw new AttestryError(
          "statement_issuer_mismatch",
          `${entity} serves the statement of another entity as its configuration`,
        );
      }
      checkStatementTime(statement, clock());
      await verifyStatementSignature(statement, statement.keys);
      return statement;
    },
    async fetchSubordinateStatement(superior, subject, limits) {
      const url = new URL(fetchEndpointOf(superior));
      // §8.1.1: the one parameter of a fetch request; `set` keeps any query that the endpoint itself has.
      url.searchParams.set("sub", subject);
      const statement = parseEntityStatement(await httpClient.getStatement(url.href, limits));
      if (statement.issuer !== superior.subject || statement.subject !== subject) {
        throw new AttestryError(
          "statement_issuer_mismatch",
          `${superior.subject} answered with a statement that was not asked for`,
        );
      }
      checkStatementTime(statement, clock());
      await verifyStatementSignature(statement, superior.keys);
      return statement;
    },
  };
}
