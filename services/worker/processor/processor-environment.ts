import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { LogIdentity } from "../../../libs/commands/log/log-identity.ts";
import type { LogReader } from "../../../libs/commands/log/log-reader.ts";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Tracing } from "../../../libs/telemetry/span.ts";
import type { CheckpointStore } from "../checkpoint/checkpoint-store.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { RecoveryStep } from "../engine/context.ts";
import type { CallMetrics } from "../instance/call-telemetry.ts";
import type { InstancePort } from "../instance/port.ts";
import type { Clock } from "../model/clock.ts";
import type { HeldLease } from "../model/held-lease.ts";
import type { LateCallReport } from "../model/late-calls.ts";

/**
 * What a worker gives to one processor that it runs. There is one for as long as it holds the processor's
 * lease.
 */
export interface ProcessorEnvironment {
  processor: string;
  /** `held` says whether this worker may still call the instance (A4). `worker` is its name, for people. */
  lease: HeldLease & { readonly worker: string };
  port: InstancePort;
  settings: ProcessorSettings;
  stores: ProcessorStores;
  events: ProcessorEvents;
  telemetry: ProcessorTelemetry;
  clock: Clock;
  /** What this worker knows from the last time that it ran the processor. It outlives a lease. */
  remembered: Remembered;
}

/** What a worker's process knows of a processor that it runs or has run. */
export interface Remembered {
  /** The checkpoint as it was last in memory. */
  checkpoint?: Pick<CheckpointWriter, "current">;
  /** The revision at which it was persisted last. */
  revision?: number;
  /** Whether NATS has gone back to before that. The log is still to be compared with it. */
  hasGoneBack?: boolean;
}

export interface ProcessorSettings {
  /** The longest that one call to the instance may take. */
  callTimeoutMs: number;
  /**
   * Whether working memory is restored after calls that this worker did not make (`Recovery` in
   * engine/context.ts).
   */
  mendsForeignCalls: boolean;
  /** How often an instance is asked whether it is there that nobody has used for a while. */
  idleProbeMs: () => number;
}

/** What the processor keeps in NATS. Every function rejects while NATS does not answer. */
export interface ProcessorStores {
  logs: Pick<
    CommandLogs,
    "ensure" | "readRange" | "fill" | "first" | "firstSince" | "delete" | "trim" | "last" | "next"
  > & {
    read(
      processor: string,
      from: number,
      onLost?: () => void,
    ): Pick<LogReader, "pending" | "commands" | "close" | "isClosed">;
  };
  identity: Pick<LogIdentity, "look" | "storedAt" | "name" | "continueAt">;
  checkpoints: Pick<CheckpointStore, "load" | "save" | "revision">;
  ingestions: Pick<IngestionStore, "counts" | "putCounts">;
  outcomes: {
    /**
     * Keeps what became of a command, and resolves once NATS has it; undefined if there is nothing to keep.
     */
    record(command: StoredCommand, reply: Reply, lease: HeldLease): Promise<void> | undefined;
    /**
     * Whether a command under an Idempotency-Key may be started. It may not if another command of that key
     * was started.
     */
    claim(command: StoredCommand): Promise<boolean>;
  };
  /** What workers that have lost a lease tell each other. */
  lateCalls: {
    reportsOf(processor: string): LateCallReport[];
    tell(report: LateCallReport): Promise<void>;
    remove(report: LateCallReport): Promise<void>;
  };
}

/** What the processor tells its worker. */
export interface ProcessorEvents {
  /** Sends a reply to whoever waits for it. */
  reply(subject: string, reply: Reply): void;
  /** The processor has been left alone, because the lease is lost. */
  leaseLost(): void;
  /**
   * The state has changed so that it should be reported at once: the instance is away, back or rebuilt, or a
   * replay begins.
   */
  stateChanged(): void;
}

export interface ProcessorTelemetry {
  metrics: ProcessorMetrics;
  tracing: Tracing | undefined;
  log: Log;
}

/** Where lines are logged. */
export type Log = Pick<Logger, "info" | "warn" | "error">;

/** What is counted of a processor. */
export interface ProcessorMetrics extends CallMetrics {
  waited(wait: { method: string; seconds: number }): void;
  applied(step: { processor: string; seconds: number }): void;
  concluded(command: { processor: string; outcome: string }): void;
  deadLettered(processor: string): void;
  /** Commands that were gone from the log before they were applied. */
  lost(commands: { processor: string; count: number }): void;
  recovered(step: { processor: string; method: RecoveryStep; outcome: string }, count?: number): void;
}
