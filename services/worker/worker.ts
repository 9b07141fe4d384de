import type { KV } from "@nats-io/kv";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { commandOfMessage } from "../../libs/commands/command.ts";
import type { CommandLogs } from "../../libs/commands/log.ts";
import { cancelSubject, querySubject, stateSubject } from "../../libs/commands/names.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import { reportEveryMs } from "../../libs/commands/processor-state.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import { headersOfReply } from "../../libs/commands/reply.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import type { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { Applier } from "./applier.ts";
import { refused } from "./apply.ts";
import { CheckpointStore } from "./checkpoint.ts";

export interface WorkerOptions {
  /** Its name in reports. */
  name: string;
  connection: NatsConnection;
  logs: CommandLogs;
  checkpoints: KV;
  registry: Registry;
  /** The ids whose appliers it runs, or `*` for all. */
  processors: string[] | "*";
  callTimeoutMs: number;
  log: Logger;
}

interface Running {
  entry: ProcessorEntry;
  applier: Applier;
  subscriptions: Subscription[];
  reported: ProcessorState | undefined;
  reportedAt: number;
}

const tickMs = 250;

/**
 * Runs an applier for each of its processors in the registry, answers their queries, and reports how they stand.
 *
 * Invariant: a processor's old applier has stopped before a new one starts, as when its endpoint changes (A1).
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, Running>();
  readonly #ticker: NodeJS.Timeout;
  #following: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#ticker = setInterval(() => this.#reportAll(), tickMs);
    options.registry.onChange(() => this.#follow());
    this.#follow();
  }

  /** Stops every applier cleanly. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#ticker);
    await this.#following;
    await Promise.all([...this.#running.values()].map((running) => this.#stopOne(running)));
  }

  /** How each of its processors stands. */
  get states(): ProcessorState[] {
    return [...this.#running.values()].map(({ applier }) => applier.state);
  }

  #follow(): void {
    this.#following = this.#following.then(() => this.#matchRegistry());
  }

  async #matchRegistry(): Promise<void> {
    if (this.#stopping) return;
    const { registry, processors } = this.#options;
    const wanted = new Map(registry.list().map((entry) => [entry.id, entry]));
    for (const running of this.#running.values()) {
      const entry = wanted.get(running.entry.id);
      if (entry?.grpc_endpoint !== running.entry.grpc_endpoint) await this.#stopOne(running);
    }
    for (const entry of wanted.values()) {
      const isOurs = processors === "*" || processors.includes(entry.id);
      if (isOurs && !this.#running.has(entry.id)) this.#startOne(entry);
    }
  }

  #startOne(entry: ProcessorEntry): void {
    const { connection, logs, checkpoints, callTimeoutMs, log, name } = this.#options;
    const applier = new Applier({
      processor: entry.id,
      endpoint: entry.grpc_endpoint,
      worker: name,
      logs,
      checkpoints: new CheckpointStore(checkpoints, entry.id),
      send: (subject, reply) => this.#send(subject, reply),
      onState: () => this.#report(entry.id),
      callTimeoutMs,
      log,
    });
    const subscriptions = [
      connection.subscribe(querySubject(entry.id), {
        callback: (_error, message) => void this.#answer(message, () => applier.query(queryOf(message))),
      }),
      connection.subscribe(cancelSubject(entry.id), {
        callback: (_error, message) =>
          void this.#answer(message, async () => applier.cancel(Number(message.string()))),
      }),
    ];
    this.#running.set(entry.id, { entry, applier, subscriptions, reported: undefined, reportedAt: 0 });
    applier.start();
  }

  async #stopOne(running: Running): Promise<void> {
    for (const subscription of running.subscriptions) subscription.unsubscribe();
    await running.applier.stop();
    this.#running.delete(running.entry.id);
  }

  async #answer(message: Msg, answer: () => Promise<Reply>): Promise<void> {
    if (!message.reply) return;
    try {
      this.#send(message.reply, await answer());
    } catch (error) {
      this.#options.log.error({ err: error, subject: message.subject }, "cannot answer");
    }
  }

  /** An answer larger than NATS takes is replaced by one that says so. */
  #send(subject: string, reply: Reply): void {
    const { connection } = this.#options;
    const limit = (connection.info?.max_payload ?? 0) - headerRoomBytes;
    const fits = reply.data.length <= limit;
    const sent = fits ? reply : { ...reply, ...refused(grpcResourceExhausted, `larger than ${limit} bytes`) };
    connection.publish(subject, sent.data, { headers: headersOfReply(sent) });
  }

  #reportAll(): void {
    for (const id of this.#running.keys()) this.#report(id);
  }

  /** Publishes the state if it has changed, or nothing was said for a while. */
  #report(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    const before = running.reported;
    const now = Date.now();
    const state = running.applier.state;
    const seconds = (now - running.reportedAt) / 1_000;
    if (before) state.rate = rateOf(before, state, seconds);
    const isNews =
      before?.state !== state.state || before.applied !== state.applied || before.last !== state.last;
    if (!isNews && now - running.reportedAt < reportEveryMs) return;
    running.reported = state;
    running.reportedAt = now;
    this.#options.connection.publish(stateSubject(id), JSON.stringify(state));
  }
}

/** What a reply's headers may take of NATS's max_payload. */
const headerRoomBytes = 4_096;
const grpcResourceExhausted = 8;

/** Commands per second, half of it that of the last interval. */
function rateOf(before: ProcessorState, now: ProcessorState, seconds: number): number {
  const latest = seconds > 0 ? (now.applied - before.applied) / seconds : 0;
  return Math.round((before.rate + latest) * 5) / 10;
}

function queryOf(message: Msg): { method: string; data: Uint8Array } {
  const { method, data } = commandOfMessage("", { seq: 0, data: message.data, headers: message.headers });
  return { method, data };
}
