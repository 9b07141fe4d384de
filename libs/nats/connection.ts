import { aborted } from "node:util";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { SettingsError } from "../config/environment.ts";
import { keepsReplicas, oldestForReplicas } from "./keeps-replicas.ts";
import type { NatsServers } from "./servers.ts";

/** What the connection says to the log: the smallest part of a pino logger. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * A connection to NATS that is made and made again for ever.
 *
 * States: *connected*, and *away* (before the first connect, and between a disconnect and the reconnect). While it is away
 * nats.js keeps what is published in memory, so whoever must not wait asks `connected` first.
 */
export class NatsLink {
  readonly connection: NatsConnection;
  #connected = true;
  #session = 1;
  #lost = Promise.withResolvers<void>();

  private constructor(connection: NatsConnection, log: Log) {
    this.connection = connection;
    void this.#follow(log);
  }

  /**
   * Connects, waiting as long as it takes, and says once that it waits. Undefined when `stopping` comes first. Rejects with a
   * SettingsError where so many replicas are not to be had of this NATS.
   */
  static async open(
    options: NatsServers & { replicas: number; name: string; log: Log; stopping: AbortSignal },
  ): Promise<NatsLink | undefined> {
    const { servers, credentials, replicas } = options;
    const refused = credentials ? ", or refuses the user" : "";
    const waiting = setTimeout(
      () => options.log.warn({ servers }, `NATS does not answer yet${refused}, waiting for it`),
      1_000,
    );
    try {
      const connecting = connect({
        servers,
        ...credentials,
        name: options.name,
        noAsyncTraces: true,
        maxReconnectAttempts: -1,
        waitOnFirstConnect: true,
        reconnectTimeWait: 250,
        reconnectJitter: 100,
        pingInterval: 10_000,
        maxPingOut: 2,
        // While passwords are changed it is refused for a while, which is no reason to give up for good.
        ignoreAuthErrorAbort: true,
      });
      const connection = await Promise.race([connecting, aborted(options.stopping, options.stopping)]);
      if (!connection) return undefined;
      const version = connection.info?.version ?? "";
      if (replicas > 1 && !keepsReplicas(version)) {
        await connection.close();
        throw new SettingsError(
          `wrong settings: NATS_REPLICAS is ${replicas}, which needs NATS ${oldestForReplicas} or newer; this is ${version}`,
        );
      }
      options.log.info({ server: connection.getServer(), version }, "connected to NATS");
      return new NatsLink(connection, options.log);
    } finally {
      clearTimeout(waiting);
    }
  }

  get connected(): boolean {
    return this.#connected && !this.connection.isClosed();
  }

  /** The number of the connection that stands, 0 for none: what was sent over an earlier one may be lost. */
  get session(): number {
    return this.connected ? this.#session : 0;
  }

  /** How often it was made again. */
  get reconnects(): number {
    return this.#session - 1;
  }

  /** The largest message the server takes, in bytes. */
  get maxPayloadBytes(): number {
    return this.connection.info?.max_payload ?? 1024 * 1024;
  }

  /** Resolves when NATS is away, at once where it is already. */
  disconnected(): Promise<void> {
    return this.#lost.promise;
  }

  /** Sends what is still to be sent and closes; what NATS goes away before is not sent. */
  async close(): Promise<void> {
    if (this.#connected) await Promise.race([this.connection.drain(), this.disconnected()]);
    await this.connection.close();
  }

  async #follow(log: Log): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") {
        this.#connected = false;
        this.#lost.resolve();
        log.warn({ server: status.server }, "lost NATS");
      } else if (status.type === "reconnect") {
        this.#connected = true;
        this.#lost = Promise.withResolvers();
        this.#session++;
        log.info({ server: status.server }, "connected to NATS again");
      } else if (status.type === "error") {
        log.warn({ err: status.error }, "NATS reports an error");
      }
    }
    this.#connected = false;
    this.#lost.resolve();
  }
}
