// Reads --listen HOST:PORT.
import { AttestryError } from "../errors.ts";

/** Throws `config_invalid`. */
export function parseListenAddress(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(text);
  if (!match)
    throw new AttestryError("config_invalid", `--listen is "${text}"; it must be HOST:PORT, such as 127.0.0.1:8080`);
  const host = match[1]!.replace(/^\[|\]$/g, "");
  return { host: host === "localhost" ? "127.0.0.1" : host, port: Number(match[2]) };
}
