import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FastifyInstance } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { LimitReached, Limits } from "./limits.ts";
import { probePaths } from "./probe-paths.ts";
import { lateBodies } from "./read-body.ts";

/** Beyond the limit there is room for so many connections, of which only probes are answered. */
export const probeConnections = 50;

/** A request on a connection, until its answer is written. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

interface Connection {
  socket: Socket;
  /** Undefined while it is idle. */
  exchange: Exchange | undefined;
  /** When it became idle. This is no time: it is a number that grows each time that a connection becomes idle. */
  idleSince: number;
}

/** What Node's HTTP server needs to know of the limits when it is made. */
export function serverOptions({ headersMs }: Limits) {
  return {
    // objectionToHead answers a request without a Host with a problem.
    requireHostHeader: false,
    headersTimeout: headersMs,
    // Often, so that thousands that were opened one after the other are not closed at one moment.
    connectionsCheckingInterval: Math.min(headersMs / 4, 1_000),
    // A client whose network is gone sends no FIN. The kernel notices within a minute.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  };
}

/**
 * Closes the connections of clients that do not go on, and keeps the number of connections within its limit.
 *
 * A connection is *idle* (no request is under way, or none has come yet) or *busy*. When there are too many,
 * the one that is idle for longest is closed. If none is idle, the new one is *extra*: only probes are
 * answered on it, so that whoever watches the gateway still reaches it.
 *
 * With TLS a connection has a socket without it until the handshake is done, and then another one.
 */
export class Connections {
  readonly #limits: Limits;
  readonly #reached: LimitReached;
  /** Changes only when connections come and go: to note each request in it would cost as much as answering it. */
  readonly #connections = new Map<Socket, Connection>();
  /** The highest `idleSince`. */
  #idleSince = 0;
  /** Connections that were idle when they were last looked for, the longest last, each with its `idleSince` then. */
  #longestIdle: { connection: Connection; since: number }[] = [];
  readonly #extra = new WeakSet<Socket>();
  /** The sockets whose handshake is under way, by the addresses of both sides. */
  readonly #handshakes = new Map<string, Socket>();

  constructor(limits: Limits, reached: LimitReached) {
    this.#limits = limits;
    this.#reached = reached;
  }

  /** Watches the connections of the app's server. */
  guard(app: FastifyInstance, isTls = false): void {
    const { server } = app;
    server.maxConnections = this.#limits.connections + probeConnections;
    server.on("connection", (socket) => this.#opened(socket));
    if (isTls) this.#guardHandshakes(app);
    server.on("drop", () => this.#reached("connections"));
    server.on("request", (request, response) => this.#begin({ request, response }));
    server.on("timeout", (socket) => this.#onTimeout(socket));
    server.on("clientError", (error: NodeJS.ErrnoException) => {
      if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") this.#reached("headers");
    });
    app.addHook("onRequest", (request, _reply, done) => {
      const isRefused = this.#extra.has(request.raw.socket) && !probePaths.has(request.url);
      if (isRefused) this.#reached("connections");
      done(isRefused ? tooManyConnections() : undefined);
    });
    app.addHook("preClose", (done) => {
      // Node waits for connections over which nothing was sent yet.
      for (const { socket, exchange } of this.#connections.values()) {
        if (!exchange && socket.bytesRead === 0) socket.destroy();
      }
      for (const socket of this.#handshakes.values()) socket.destroy();
      done();
    });
  }

  #guardHandshakes(app: FastifyInstance): void {
    const { server } = app;
    server.on("connection", (socket) => {
      const key = addressesOf(socket);
      this.#handshakes.set(key, socket);
      socket.once("close", () => this.#forget(key, socket));
    });
    server.on("secureConnection", (socket: TLSSocket) => this.#secured(socket));
    // Node would call it an error of HTTP, which is answered. Who has no TLS could not read that.
    server.removeAllListeners("tlsClientError");
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (error.code === "ERR_TLS_HANDSHAKE_TIMEOUT") this.#reached("headers");
      socket.destroy();
    });
  }

  #forget(key: string, socket: Socket): void {
    if (this.#handshakes.get(key) === socket) this.#handshakes.delete(key);
  }

  /** The handshake is done: from now on this socket is the connection. */
  #secured(socket: TLSSocket): void {
    const key = addressesOf(socket);
    const plain = this.#handshakes.get(key);
    if (!plain) return;
    this.#handshakes.delete(key);
    this.#connections.delete(plain);
    this.#keep(socket);
    if (this.#extra.has(plain)) this.#extra.add(socket);
  }

  #opened(socket: Socket): void {
    if (this.#connections.size >= this.#limits.connections) {
      const longestIdle = this.#takeLongestIdle();
      if (longestIdle) {
        this.#reached("idle");
        this.#connections.delete(longestIdle);
        longestIdle.destroy();
      } else {
        this.#extra.add(socket);
      }
    }
    this.#keep(socket);
  }

  #keep(socket: Socket): void {
    this.#connections.set(socket, { socket, exchange: undefined, idleSince: ++this.#idleSince });
    socket.once("close", () => this.#connections.delete(socket));
  }

  /** The connection that is idle for longest; undefined if none is. All are looked at once for many that are taken. */
  #takeLongestIdle(): Socket | undefined {
    for (const isFresh of [false, true]) {
      if (isFresh) {
        const idle = [...this.#connections.values()].filter(({ exchange }) => !exchange);
        this.#longestIdle = idle
          .sort((a, b) => b.idleSince - a.idleSince)
          .map((connection) => ({ connection, since: connection.idleSince }));
      }
      for (let next = this.#longestIdle.pop(); next; next = this.#longestIdle.pop()) {
        const { socket, exchange, idleSince } = next.connection;
        if (!exchange && idleSince === next.since && this.#connections.has(socket)) return socket;
      }
    }
    return undefined;
  }

  #begin(exchange: Exchange): void {
    const { request, response } = exchange;
    const connection = this.#connections.get(request.socket);
    if (!connection) return;
    connection.exchange = exchange;
    response.once("close", () => {
      if (connection.exchange !== exchange) return;
      connection.exchange = undefined;
      connection.idleSince = ++this.#idleSince;
      if (!request.complete) this.#dropRest(exchange);
    });
  }

  /** The answer came before the body was read. Node reads the rest and drops it, which must have an end. */
  #dropRest({ request }: Exchange): void {
    const timer = setTimeout(() => {
      if (!lateBodies.has(request)) this.#reached("body");
      request.socket.destroy();
    }, this.#limits.bodyMs).unref();
    request.once("close", () => clearTimeout(timer));
  }

  /**
   * It seems that nothing has gone over the connection for a while, in neither direction. After this process has stood
   * still, what came meanwhile is only read after the timers have run. So it is looked at once more then.
   */
  #onTimeout(socket: Socket): void {
    const before = bytesOver(socket);
    setImmediate(() => {
      if (bytesOver(socket) === before && !socket.destroyed) this.#onSilence(socket);
    });
  }

  #onSilence(socket: Socket): void {
    const exchange = this.#connections.get(socket)?.exchange;
    if (!exchange) {
      socket.destroy();
      return;
    }
    const { request } = exchange;
    if (socket.writableLength > 0) {
      this.#reached("unread");
      socket.destroy();
    } else if (!request.complete && request.readableLength === 0) {
      this.#reached("upload");
      socket.destroy();
    } else {
      // It is the client who waits, for an answer or until more of its stream is taken.
      socket.setTimeout(this.#limits.idleMs);
    }
  }
}

/** How many bytes have gone over it, in both directions. */
function bytesOver({ bytesRead, bytesWritten, writableLength }: Socket): number {
  return bytesRead + bytesWritten - writableLength;
}

/** No two connections have the same ones at a time. */
function addressesOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function tooManyConnections(): GatewayError {
  return new GatewayError("OVERLOADED", "The gateway has as many connections as it may.", {
    effect: "none",
    retryAfterSeconds: 1,
  });
}
