// The node's real way out, with every address it was asked for written down. Test code only.
import { createHttpClient, type HttpClient } from "../src/federation/http-client.ts";

export interface CountedClient extends HttpClient {
  /** In the order of the calls. */
  readonly urls: string[];
}

export function createCountedClient(): CountedClient {
  const client = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const urls: string[] = [];
  return {
    urls,
    send(request) {
      urls.push(request.url);
      return client.send(request);
    },
    getStatement(url, limits) {
      urls.push(url);
      return client.getStatement(url, limits);
    },
    postJson(url, body, options) {
      urls.push(url);
      return client.postJson(url, body, options);
    },
    close: () => client.close(),
  };
}
