import type { Socket } from "node:net";
import { connect } from "node:net";
import { addressOf } from "./address.ts";
import { GrpcConnection } from "./grpc-connection.ts";
import type { InstanceTls } from "./instance-tls.ts";

/** Where to connect to. */
export interface Target {
  /** `host:port`. By this name the server is called, to whatever address it connects. */
  endpoint: string;
  /** The addresses of its host. No other is connected to. */
  addresses: readonly string[];
  tls: InstanceTls | undefined;
}

/** While one address says nothing, the next one is tried after this time (RFC 8305). */
const nextAddressMs = 250;

/**
 * Connects to the first of the addresses that answers as HTTP/2 does. Resolves to undefined if none does within
 * `limitMs`, or once `signal` is aborted. Never rejects. Of the other attempts nothing is left.
 */
export async function openConnection(
  target: Target,
  limitMs: number,
  signal: AbortSignal,
): Promise<GrpcConnection | undefined> {
  /** Aborted when the attempts that are left are to end. */
  const ending = new AbortController();
  // Without a reason an error with a stack is made, for each connection of a large fleet.
  const end = () => ending.abort("over");
  signal.addEventListener("abort", end);
  const limit = setTimeout(end, limitMs);
  let first: GrpcConnection | undefined;
  const attempts: Promise<void>[] = [];
  for (const address of target.addresses) {
    if (ending.signal.aborted) break;
    const attempt = openAt(address, target, ending.signal).then((connection) => {
      // Of two that come at once the second is too late.
      if (first) return connection?.close("another one was there before");
      first = connection;
      if (first) end();
    });
    attempts.push(attempt);
    const isLast = attempts.length === target.addresses.length;
    if (!isLast) await endedWithin(attempt, nextAddressMs);
  }
  await Promise.all(attempts);
  clearTimeout(limit);
  signal.removeEventListener("abort", end);
  return first;
}

/** Resolves once the attempt has ended, or after `timeoutMs`. */
async function endedWithin(attempt: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([attempt, promise]);
  clearTimeout(timer);
}

/** Connects to one address. Resolves to undefined if that fails, or once `signal` is aborted. */
async function openAt(
  address: string,
  { endpoint, tls }: Target,
  signal: AbortSignal,
): Promise<GrpcConnection | undefined> {
  const socket = connect({ host: address, port: addressOf(endpoint).port, noDelay: true });
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort);
  let isOpen = false;
  try {
    if (!(await isConnected(socket))) return undefined;
    const secure = tls?.begin(socket);
    await secure?.done;
    if (socket.destroyed) return undefined;
    const scheme = secure ? "https" : "http";
    const connection = new GrpcConnection(secure?.secure ?? socket, { scheme, authority: endpoint });
    isOpen = await connection.opened;
    return isOpen ? connection : undefined;
  } catch {
    // TLS has failed. InstanceTls knows why.
    return undefined;
  } finally {
    signal.removeEventListener("abort", abort);
    if (!isOpen) socket.destroy();
  }
}

function isConnected(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.on("error", () => {});
    socket.once("close", () => resolve(false));
  });
}
