// A process that asks URLs with a node's client, one after the other: which certificates it believes is settled when a process starts. Test code only.
import { isAttestryError } from "../../src/errors.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";

const [listed, ...urls] = process.argv.slice(2);
const client = createHttpClient(
  { development: false, allowedPrivateHosts: listed!.split(",") },
  { resolve: async () => ["127.0.0.1"] },
);
const outcomes: string[] = [];
for (const url of urls) {
  try {
    outcomes.push(String((await client.send({ method: "GET", url })).status));
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    outcomes.push(`${error.code}: ${error.message}`);
  }
}
client.close();
process.stdout.write(JSON.stringify(outcomes));
