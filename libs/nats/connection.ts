import { aborted } from "node:util";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { SettingsError } from "../config/environment.ts";
import type { InboxOwner } from "./inbox.ts";
import { inboxPrefixOf } from "./inbox.ts";
import { serverOptions } from "./server-options.ts";
import type { NatsServers } from "./servers.ts";
import { isAtLeast } from "./servers.ts";

/** The part of a pino logger that is used here. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * The connection of this process to NATS. It reconnects whenever it is lost, without end.
 *
 * While NATS is away (from a disconnect to the reconnect) nats.js keeps in memory what is published. Ask
 * `connected` before you publish something that must not wait there.
 */
export class NatsLink {
  readonly connection: NatsConnection;
  /** What every subject begins with at which this process is answered. */
  readonly inboxPrefix: string;
  #connected = true;
  #session = 1;
  /** Resolved while NATS is away. */
  #lost = Promise.withResolvers<void>();

  private constructor(connection: NatsConnection, inboxPrefix: string, log: Log) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    void this.#follow(log);
  }

  /**
   * Connects, however long NATS takes to be there; the log says once that it waits. Resolves to undefined if
   * `stopping` is aborted first. Rejects with a SettingsError if this NATS is too old for more than one
   * replica.
   */
  static async open(
    options: NatsServers & {
      replicas: number;
      name: string;
      inbox: InboxOwner;
      log: Log;
      stopping: AbortSignal;
    },
  ): Promise<NatsLink | undefined> {
    const { servers, credentials, tls, replicas } = options;
    const inboxPrefix = inboxPrefixOf(options.inbox);
    const refused = credentials ? ", or refuses the user" : "";
    const untrusted = tls ? ", or has no TLS that can be verified" : "";
    const onFileProblem = (setting: string, reason: string) =>
      options.log.warn({ setting, reason }, "cannot be used as it is now, what it had before is used");
    const how = { ...serverOptions(options, onFileProblem), name: options.name };
    let isOver = false;
    const tellWhy = async () => {
      const reason = await whyNot(how);
      if (reason === undefined || isOver) return;
      const what = `NATS does not answer yet${refused}${untrusted}, waiting for it`;
      options.log.warn({ servers, reason }, what);
    };
    const waiting = setTimeout(() => void tellWhy(), 1_000);
    try {
      const connecting = connect({
        ...how,
        inboxPrefix,
        noAsyncTraces: true,
        maxReconnectAttempts: -1,
        waitOnFirstConnect: true,
        reconnectTimeWait: 250,
        reconnectJitter: 100,
        pingInterval: 10_000,
        maxPingOut: 2,
        // While passwords are being changed NATS refuses the user for some time. By default nats.js would
        // then give up.
        ignoreAuthErrorAbort: true,
      });
      // `aborted` resolves to an event.
      const stopped = aborted(options.stopping, options.stopping).then(() => undefined);
      const connection = await Promise.race([connecting, stopped]);
      if (!connection) return undefined;
      const version = connection.info?.version ?? "";
      if (replicas > 1 && !supportsReplicas(version)) {
        await connection.close();
        const needed = `NATS_REPLICAS is ${replicas}, which needs NATS ${oldestForReplicas} or newer`;
        throw new SettingsError(`wrong settings: ${needed}; this is ${version}`);
      }
      options.log.info({ server: connection.getServer(), version }, "connected to NATS");
      return new NatsLink(connection, inboxPrefix, options.log);
    } finally {
      isOver = true;
      clearTimeout(waiting);
    }
  }

  /** Whether NATS is connected now. */
  get connected(): boolean {
    return this.#connected && !this.connection.isClosed();
  }

  /**
   * The number of the present connection, 0 while there is none. What was sent while it was another number
   * may be lost, and so may its answer.
   */
  get session(): number {
    return this.connected ? this.#session : 0;
  }

  /** How often it has reconnected. */
  get reconnects(): number {
    return this.#session - 1;
  }

  /** The largest message that the server takes, in bytes. */
  get maxPayloadBytes(): number {
    return this.connection.info?.max_payload ?? 1024 * 1024;
  }

  /** Resolves when the connection is lost, at once if NATS is away already. */
  disconnected(): Promise<void> {
    return this.#lost.promise;
  }

  /**
   * Sends what was published, then closes. If NATS is away or goes away meanwhile, it closes without sending
   * the rest.
   */
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

/** Why a connection cannot be made, which nats.js does not tell while it tries. Undefined if one can. */
async function whyNot(options: NodeConnectionOptions): Promise<string | undefined> {
  try {
    const connection = await connect({ ...options, timeout: 2_000, noAsyncTraces: true });
    await connection.close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The oldest NATS whose replicated streams keep compare-and-set when their leader changes
 * (docs/decisions/0015).
 */
export const oldestForReplicas = "2.11.0";

/** Whether a NATS of this version is recent enough for more than one replica. */
export function supportsReplicas(version: string): boolean {
  return isAtLeast(version, oldestForReplicas);
}
