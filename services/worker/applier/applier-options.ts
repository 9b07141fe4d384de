import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { CheckpointStore } from "../checkpoint/checkpoint-store.ts";
import type { Context } from "../steps/context.ts";
import type { Telemetry } from "../steps/step-watch.ts";

/** What an applier is given of the world. */
export interface ApplierOptions {
  processor: string;
  endpoint: string;
  /** Whether the endpoint may be connected to. */
  endpointPolicy: EndpointPolicy;
  /** Who runs it, for people. */
  worker: string;
  /** Whether this worker may still call the instance (A4). */
  mayCall: () => boolean;
  logs: Pick<
    CommandLogs,
    "ensure" | "read" | "readRange" | "fill" | "first" | "firstSince" | "delete" | "trim"
  >;
  checkpoints: CheckpointStore;
  ingestions: Pick<IngestionStore, "counts" | "putCounts">;
  /** Sends a reply to whoever waits for it. */
  send: (subject: string, reply: Reply) => void;
  /** Keeps what became of a command, see `Answers`. */
  record: (command: StoredCommand, reply: Reply) => Promise<void> | undefined;
  /** Whether a command under an Idempotency-Key may be started: not when another of that key was. */
  claim: (command: StoredCommand) => Promise<boolean>;
  /** Counts a step of recovery, see `Context`. */
  recovered: Context["recovered"];
  /** Called when it has left the processor alone for want of the lease: whoever runs it may begin anew. */
  onLeaseLost: () => void;
  /** Called when its state is worth a report at once: the instance goes or is back, a replay begins. */
  onState: () => void;
  callTimeoutMs: number;
  telemetry: Telemetry;
  log: Logger;
}
