// How many calls may be under way at a time, to one peer and in all, and how many may wait. Knows no HTTP.
import { AttestryError } from "../errors.ts";

export interface PeerGateLimits {
  readonly callsMax: number;
  readonly callsAllMax: number;
  readonly waitingMax: number;
  readonly waitingAllMax: number;
}

export interface PeerGate {
  /** Waits for room; gives what makes room again. Throws `peer_busy` where too many wait, and the signal's reason. */
  enter(peer: string, signal: AbortSignal): Promise<() => void>;
}

interface Waiter {
  readonly peer: string;
  readonly admit: () => void;
}

function count(counts: Map<string, number>, peer: string, change: 1 | -1): void {
  const next = (counts.get(peer) ?? 0) + change;
  if (next === 0) counts.delete(peer);
  else counts.set(peer, next);
}

export function createPeerGate(limits: PeerGateLimits): PeerGate {
  const { callsMax, callsAllMax, waitingMax, waitingAllMax } = limits;
  const calls = new Map<string, number>();
  const waiting = new Map<string, number>();
  const waiters = new Set<Waiter>();
  let callsAll = 0;

  const hasRoom = (peer: string): boolean => callsAll < callsAllMax && (calls.get(peer) ?? 0) < callsMax;

  function begin(peer: string): () => void {
    callsAll++;
    count(calls, peer, 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      callsAll--;
      count(calls, peer, -1);
      admitNext();
    };
  }

  function leaveQueue(waiter: Waiter): void {
    if (waiters.delete(waiter)) count(waiting, waiter.peer, -1);
  }

  /** The first that has room: a slow peer's callers do not stand before others'. */
  function admitNext(): void {
    for (const waiter of waiters) {
      if (callsAll >= callsAllMax) return;
      if (!hasRoom(waiter.peer)) continue;
      leaveQueue(waiter);
      waiter.admit();
    }
  }

  return {
    async enter(peer, signal) {
      signal.throwIfAborted();
      if (hasRoom(peer)) return begin(peer);
      const own = waiting.get(peer) ?? 0;
      if (own >= waitingMax || waiters.size >= waitingAllMax) {
        throw new AttestryError(
          "peer_busy",
          `${peer}: ${own} calls to it and ${waiters.size} in all wait; at most ${waitingMax} and ${waitingAllMax} may, while ${callsMax} to one peer and ${callsAllMax} in all are under way`,
        );
      }
      return new Promise((resolve, reject) => {
        const give = (): void => {
          leaveQueue(waiter);
          reject(signal.reason);
        };
        const waiter: Waiter = {
          peer,
          admit() {
            signal.removeEventListener("abort", give);
            resolve(begin(peer));
          },
        };
        waiters.add(waiter);
        count(waiting, peer, 1);
        signal.addEventListener("abort", give, { once: true });
      });
    },
  };
}
