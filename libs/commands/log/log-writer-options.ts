import type { Msg, MsgHdrs, Subscription } from "@nats-io/transport-node";
import type { Command } from "../messages/command.ts";

/** What a LogWriter uses of the connection to NATS. */
export interface PublishingConnection {
  publish(subject: string, data: Uint8Array, options: { headers: MsgHdrs; reply?: string }): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: AnswerMessage) => void },
  ): Pick<Subscription, "unsubscribe">;
}

export type AnswerMessage = Pick<Msg, "subject" | "data" | "json">;

/** How a log takes many commands (CommandLogs.publishing). */
export interface LogPublishing {
  /**
   * Whether NATS keeps more than one replica of the log. Nothing may be published to such a log with the
   * condition `Nats-Expected-Last-Msg-Id`: a single refusal of it leaves the stream without a leader for good,
   * in nats-server 2.14.0 and 2.15.2 at least.
   */
  isReplicated: boolean;
  /** Whether it takes batches, of which it stores all commands or none. */
  takesBatches: boolean;
}

/** Where a LogWriter writes, and whom it tells. */
export interface LogWriterOptions {
  connection: PublishingConnection;
  /**
   * The number of the present connection (NatsLink.session). While it is 0 nothing is published: nats.js
   * would keep it in memory.
   */
  session: () => number;
  /** NatsLink.inboxPrefix; `_INBOX` without. */
  inboxPrefix?: string;
  processor: string;
  log: LogPublishing;
  /**
   * Called once for each command, in the order they were added, as soon as JetStream has acknowledged it
   * (A6).
   */
  onStored: (command: Command, sequence: number) => void;
  /** How long it goes on without any acknowledgement before it fails. */
  patienceMs?: number;
}
