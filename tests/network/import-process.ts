// A process that is nothing but `attestry import`, for tests of its exit codes and signals. Test code only.
import { importCommand } from "../../src/cli/import.ts";

await importCommand().parseAsync();
