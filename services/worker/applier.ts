import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../libs/commands/command.ts";
import type { CommandLogs } from "../../libs/commands/log.ts";
import type { LogReader } from "../../libs/commands/log-reader.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import { readObservationHead } from "../../libs/kato/heads.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Result } from "./apply.ts";
import { answerQuery, applyCommand, refused } from "./apply.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint.ts";
import { emptyCheckpoint } from "./checkpoint.ts";
import { Instance } from "./instance.ts";
import { Turns } from "./turns.ts";

export interface ApplierOptions {
  processor: string;
  endpoint: string;
  /** Who runs it, for people. */
  worker: string;
  logs: Pick<CommandLogs, "ensure" | "read" | "delete">;
  checkpoints: CheckpointStore;
  /** Sends a reply to whoever waits for it. */
  send: (subject: string, reply: Reply) => void;
  /** Called when the instance goes and when it is back. */
  onState: (state: ProcessorState) => void;
  callTimeoutMs: number;
  log: Logger;
}

const checkpointEveryMs = 100;
const firstConnectMs = 1_000;
const retryMs = 500;

/**
 * The one loop that takes a processor's commands in sequence and applies them to its instance.
 *
 * States: *ready* (nothing to do), *applying* (a command is in hand, or more are known to wait), *down* (the instance cannot be
 * reached: synchronous commands are refused at once and leave the log, the others wait). `#setState` alone changes them.
 *
 * Invariants: whatever calls the instance holds the turn (A1). A command is begun only when the one before it has ended
 * (A2), and is called once (A3): one whose end was not seen is answered `unknown` (A7) and passed. `#checkpoint.applied` is
 * moved only after the command's end, and what is persisted is never ahead of it (A5).
 */
export class Applier {
  readonly processor: string;
  readonly #options: ApplierOptions;
  readonly #log: Logger;
  readonly #instance: Instance;
  readonly #turns = new Turns();
  readonly #cancelled = new Set<number>();
  #checkpoint: Checkpoint = emptyCheckpoint;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #started = 0;
  #last = 0;
  #state: ProcessorState["state"] = "ready";
  #since = Date.now();
  #reader: LogReader | undefined;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ApplierOptions) {
    this.processor = options.processor;
    this.#options = options;
    this.#log = options.log.child({ processor: options.processor });
    this.#instance = new Instance(options.endpoint, options.callTimeoutMs);
  }

  /** Begins to apply. Does not wait for anything. */
  start(): void {
    this.#running = Promise.all([this.#readLog(), this.#watchInstance()]);
  }

  /** Finishes the command in hand, writes the checkpoint, and gives up nothing: whatever is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#reader?.close();
    await this.#turns.run(async () => this.#instance.close());
    await this.#running;
    await this.#saveCheckpoint();
  }

  /** How the processor stands. `rate` is for the worker to fill in. */
  get state(): ProcessorState {
    return {
      processor: this.processor,
      state: this.#state,
      since: this.#since,
      reason: this.#state === "down" ? "its instance cannot be reached" : "",
      worker: this.#options.worker,
      applied: this.#checkpoint.applied,
      last: Math.max(this.#last, this.#checkpoint.applied),
      interval: this.#instance.interval,
      rate: 0,
    };
  }

  /** Answers a query between two commands. */
  async query(query: { method: string; data: Uint8Array }): Promise<Reply> {
    if (this.#state === "down") return this.#unavailable(0);
    const result = await this.#turns.run(async () => {
      if (!(await this.#attach(firstConnectMs))) return undefined;
      return answerQuery(this.#instance, query, this.#checkpoint.latestUniqueId);
    });
    return result ? { ...result, sequence: 0 } : this.#unavailable(0);
  }

  /**
   * Says of a command that somebody has stopped waiting for: `expired` when it had not been started, and then it
   * never will be; `unknown` otherwise.
   */
  cancel(sequence: number): Reply {
    if (sequence <= this.#started) {
      return { ...refused(grpc.OK, "started"), outcome: "unknown", sequence };
    }
    this.#cancelled.add(sequence);
    return { ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"), outcome: "expired", sequence };
  }

  async #readLog(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#options.logs.ensure(this.processor);
        if (this.#reader === undefined) this.#checkpoint = await this.#options.checkpoints.load();
        this.#started = this.#checkpoint.applied;
        const reader = this.#options.logs.read(this.processor, this.#checkpoint.applied + 1);
        this.#reader = reader;
        if (this.#stopping) return;
        for await (const { command, behind } of reader.commands()) {
          this.#last = command.sequence + behind;
          await this.#take(command);
          if (this.#state === "applying" && command.sequence >= this.#last) this.#setState("ready");
        }
      } catch (error) {
        if (this.#stopping) return;
        this.#log.error({ err: error }, "cannot read the command log, trying again");
        await sleep(retryMs);
      }
    }
  }

  /** Takes one command to its end, however long its instance is away. */
  async #take(command: StoredCommand): Promise<void> {
    while (!this.#stopping) {
      const result = await this.#turns.run(() => this.#attempt(command));
      if (result) return this.#conclude(command, result);
      this.#setState("down");
      if (command.deadlineMs !== undefined) return this.#expire(command, this.#unavailable(command.sequence));
      await this.#instance.connectionChange(retryMs);
    }
  }

  /** Applies the command if its time has not passed and its instance is there. */
  async #attempt(command: StoredCommand): Promise<Result | undefined> {
    const isLate = () => command.deadlineMs !== undefined && Date.now() > command.deadlineMs;
    const late: Result = { ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"), outcome: "expired" };
    if (isLate()) return late;
    if (!(await this.#attach(this.#state === "down" ? 0 : firstConnectMs))) return undefined;
    // Between this and `#started` nothing waits, so whoever was told that it will not be started was told the truth.
    if (isLate() || this.#cancelled.delete(command.sequence)) return late;
    this.#setState("applying");
    this.#started = command.sequence;
    return applyCommand(this.#instance, command);
  }

  async #conclude(command: StoredCommand, result: Result): Promise<void> {
    const reply = { ...result, sequence: command.sequence };
    if (result.outcome === "expired") return this.#expire(command, reply);
    if (result.outcome === "unknown") {
      this.#log.warn(
        { sequence: command.sequence, command: command.id, detail: result.detail },
        "effect unknown",
      );
    }
    const succeeded = command.method === "Observe" && result.outcome === "applied";
    this.#advance({
      applied: command.sequence,
      interval: this.#instance.interval,
      latestUniqueId: succeeded
        ? readObservationHead(command.data).uniqueId
        : this.#checkpoint.latestUniqueId,
    });
    if (command.replyTo !== undefined) this.#options.send(command.replyTo, reply);
  }

  /** Passes a command that was not started: it leaves the log first, so what stands in it up to `applied` was applied. */
  async #expire(command: StoredCommand, reply: Reply): Promise<void> {
    this.#cancelled.delete(command.sequence);
    await this.#options.logs.delete(this.processor, command.sequence);
    this.#advance({ ...this.#checkpoint, applied: command.sequence });
    if (command.replyTo !== undefined) this.#options.send(command.replyTo, reply);
  }

  #advance(checkpoint: Checkpoint): void {
    this.#checkpoint = checkpoint;
    this.#checkpointTimer ??= setTimeout(() => void this.#saveCheckpoint(), checkpointEveryMs);
  }

  #saveCheckpoint(): Promise<void> {
    const isDirty = this.#checkpointTimer !== undefined;
    clearTimeout(this.#checkpointTimer);
    this.#checkpointTimer = undefined;
    if (isDirty) this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    try {
      await this.#options.checkpoints.save(this.#checkpoint);
    } catch (error) {
      this.#log.error({ err: error }, "cannot write the checkpoint");
      if (!this.#stopping) this.#advance(this.#checkpoint);
    }
  }

  async #attach(timeoutMs: number): Promise<boolean> {
    if (this.#instance.attached) return true;
    const attached = await this.#instance.attach(timeoutMs);
    if (attached) this.#log.info({ interval: this.#instance.interval }, "attached to the instance");
    return attached;
  }

  /** Notices when the instance goes and comes while there is nothing to apply. */
  async #watchInstance(): Promise<void> {
    while (!this.#stopping) {
      const attached = this.#instance.attached || (await this.#turns.run(() => this.#attach(firstConnectMs)));
      if (this.#stopping) return;
      if (!attached) this.#setState("down");
      else if (this.#state === "down") this.#setState("ready");
      await this.#instance.connectionChange(attached ? undefined : retryMs);
    }
  }

  #setState(state: ProcessorState["state"]): void {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    this.#since = Date.now();
    if (state === "down") this.#log.warn("the instance cannot be reached");
    else if (before === "down") this.#log.info("the instance is back");
    if (state === "down" || before === "down") this.#options.onState(this.state);
  }

  #unavailable(sequence: number): Reply {
    return { ...refused(grpc.UNAVAILABLE, "the instance cannot be reached"), outcome: "expired", sequence };
  }
}
