// A request as bytes on a socket, for what no HTTP client would send. Test code only.
import { connect } from "node:net";

/** One answer, read off the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends `chunks` one after the other, then waits for one answer, whole or cut off. `host` defaults to the port's own address.
 * @param pause milliseconds before each further chunk.
 */
export function sendRaw(
  port: number,
  chunks: readonly (string | Uint8Array)[],
  options: { pause?: number } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const finish = () => {
      socket.destroy();
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      if (status === undefined) reject(new Error(`no answer but: ${text.slice(0, 200)}`));
      else resolve({ status: Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) });
    };
    socket.on("data", (data) => {
      text += data.toString("utf8");
      const head = text.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(text.slice(0, Math.max(head, 0)))?.[1];
      if (length !== undefined && text.length - head - 4 >= Number(length)) finish();
    });
    socket.on("close", finish);
    // What the server cut off before all was sent still has its answer in `text`.
    socket.on("error", () => {});
    void (async () => {
      for (const [i, chunk] of chunks.entries()) {
        if (i > 0 && options.pause !== undefined) await new Promise((done) => setTimeout(done, options.pause));
        if (socket.destroyed) return;
        socket.write(chunk);
      }
    })();
  });
}
