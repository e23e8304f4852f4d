// The registries of a node that keeps no records, and is to keep none: whoever would publish or write is told so.
import { AttestryError } from "../errors.ts";
import type { RegistryService } from "./registry-service.ts";

async function refuse(): Promise<never> {
  throw new AttestryError(
    "node_is_consumer",
    "this node was made to check the records of others (attestry init --consumer) and keeps none of its own; a department that keeps records makes a node for them: attestry init without --consumer, with another --node NAME and --entity",
  );
}

/** As everybody reads them; nothing is published. */
export function closeToPublishing(registries: RegistryService): RegistryService {
  return { ...registries, publish: refuse, previewPublish: refuse };
}

/** As those have them who write records: none may be written in. */
export function closeToWriting(registries: RegistryService): RegistryService {
  return { ...closeToPublishing(registries), getCurrent: refuse };
}
