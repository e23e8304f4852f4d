// The connections kept to peers: how many, for how long, and what ends them early. Sends nothing.
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";

export interface ConnectionLimits {
  readonly callsMax: number;
  readonly idleSocketsMax: number;
  readonly socketIdleMs: number;
}

export interface PeerConnections {
  agentFor(url: URL): HttpAgent;
  /** Ends idle connections; those in use end when their call does. */
  close(): void;
}

/** Whatever comes over an idle connection was not asked for, and would be taken for the answer to the next request. */
function distrustIdleData(agent: HttpAgent): void {
  const guards = new WeakMap<Duplex, () => void>();
  const keep = agent.keepSocketAlive.bind(agent) as (socket: Duplex) => unknown;
  const reuse = agent.reuseSocket.bind(agent);
  agent.keepSocketAlive = (socket) => {
    const guard = () => socket.destroy();
    guards.set(socket, guard);
    socket.once("data", guard);
    return keep(socket) as never;
  };
  agent.reuseSocket = (socket, request) => {
    const guard = guards.get(socket);
    if (guard) socket.off("data", guard);
    reuse(socket, request);
  };
}

export function createPeerConnections(limits: ConnectionLimits): PeerConnections {
  const options = {
    keepAlive: true,
    maxSockets: limits.callsMax,
    maxFreeSockets: limits.idleSocketsMax,
    // Of a connection that nobody uses: what serves a call has the call's own deadline.
    timeout: limits.socketIdleMs,
  };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  for (const agent of Object.values(agents)) distrustIdleData(agent);
  return {
    agentFor: (url) => (url.protocol === "https:" ? agents.https : agents.http),
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
