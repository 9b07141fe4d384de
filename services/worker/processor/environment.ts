import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { LogReader } from "../../../libs/commands/log/log-reader.ts";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Tracing } from "../../../libs/telemetry/span.ts";
import type { CheckpointStore } from "../checkpoint/checkpoint-store.ts";
import type { RecoveryStep } from "../engine/context.ts";
import type { CallMetrics } from "../instance/call-telemetry.ts";
import type { InstancePort } from "../instance/port.ts";
import type { Clock } from "../model/clock.ts";
import type { LateCallReport } from "../model/late-calls.ts";

/**
 * What a worker gives to one processor that it runs. There is one for as long as it holds the processor's
 * lease.
 */
export interface ProcessorEnvironment {
  processor: string;
  /** `held`: whether this worker may still call the instance (A4). `worker` is its name, for people. */
  lease: { readonly worker: string; readonly held: boolean };
  port: InstancePort;
  settings: ProcessorSettings;
  stores: ProcessorStores;
  events: ProcessorEvents;
  telemetry: ProcessorTelemetry;
  clock: Clock;
}

export interface ProcessorSettings {
  /** The longest that one call to the instance may take. */
  callTimeoutMs: number;
  /** Whether working memory is restored after calls that nobody of this gateway made, see `Recovery`. */
  mendsForeignCalls: boolean;
}

/** What is kept in NATS. Each of these rejects while NATS does not answer. */
export interface ProcessorStores {
  logs: Pick<
    CommandLogs,
    "ensure" | "readRange" | "fill" | "first" | "firstSince" | "delete" | "trim" | "last"
  > & {
    read(processor: string, from: number): Pick<LogReader, "pending" | "commands" | "close">;
  };
  checkpoints: Pick<CheckpointStore, "load" | "save">;
  ingestions: Pick<IngestionStore, "counts" | "putCounts">;
  outcomes: {
    /** Keeps what became of a command until NATS has it; undefined where there is nothing to keep. */
    record(command: StoredCommand, reply: Reply): Promise<void> | undefined;
    /** Whether a command under an Idempotency-Key may be started: not when another one of that key was. */
    claim(command: StoredCommand): Promise<boolean>;
  };
  /** What workers that have lost a lease tell each other. */
  lateCalls: {
    reportsOf(processor: string): LateCallReport[];
    tell(report: LateCallReport): Promise<void>;
    remove(report: LateCallReport): Promise<void>;
  };
}

/** Whom the processor tells what. */
export interface ProcessorEvents {
  /** Sends a reply to whoever waits for it. */
  reply(subject: string, reply: Reply): void;
  /** The processor was left alone for want of the lease. Whoever runs it may begin anew. */
  leaseLost(): void;
  /** Its state is worth a report at once: the instance goes or is back, a replay begins. */
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
  concluded(command: { processor: string; outcome: string }): void;
  deadLettered(processor: string): void;
  recovered(step: { processor: string; method: RecoveryStep; outcome: string }, count?: number): void;
}
