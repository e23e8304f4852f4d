// Reads one line that must not stand in an argument, where every process of the machine could see it: typed unseen, or piped in.
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { Writable } from "node:stream";
import { AttestryError } from "../errors.ts";

const LINE_CHARS_MAX = 1_000;

export type LineInput = Readable & { readonly isTTY?: boolean };

/** `what`: for the prompt and for a complaint. Throws `request_invalid` where nothing, or too much, came. */
export async function readSecretLine(input: LineInput, what: string): Promise<string> {
  if (input.isTTY) process.stderr.write(`${what} (it is not shown): `);
  // The terminal would show what is typed through this, and nothing else does.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: input.isTTY === true });
  try {
    for await (const line of lines) {
      const text = line.trim();
      if (text === "") continue;
      if (text.length > LINE_CHARS_MAX) break;
      return text;
    }
  } finally {
    lines.close();
    if (input.isTTY) process.stderr.write("\n");
  }
  throw new AttestryError(
    "request_invalid",
    `${what}: one line of at most ${LINE_CHARS_MAX} characters is read from standard input`,
  );
}
