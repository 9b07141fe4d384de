import { status } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { encodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import type { RequestOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import type { InstancePort } from "../../../services/worker/instance/port.ts";
import type { ProcessorEnvironment } from "../../../services/worker/processor/processor-environment.ts";
import { ProcessorSlot } from "../../../services/worker/processor/slot.ts";
import { environmentOf } from "./crash-schedules/environment.ts";
import type { Life } from "./crash-schedules/world.ts";
import { World } from "./crash-schedules/world.ts";

/** What a call to the instance brings instead of what it would; undefined to let it be made. */
export type OnCall = (
  method: Method,
  request: Uint8Array,
) => CallResult | undefined | Promise<CallResult | undefined>;

/** What a test has otherwise in a processor's environment. */
type Change = (environment: ProcessorEnvironment) => Partial<ProcessorEnvironment>;

/**
 * How long a test waits for something, by the world's clock: longer than anything that the worker waits for.
 */
const limitMs = 120_000;

/**
 * One processor of the worker, in the world of the crash schedules, where nothing breaks by itself: a test
 * breaks one thing, and decides when time passes.
 */
export class OneProcessor {
  readonly world: World;
  readonly life: Life;
  readonly environment: ProcessorEnvironment;
  readonly slot: ProcessorSlot;
  /** The calls to the instance, in order. */
  readonly calls: Method[] = [];
  onCall: OnCall = () => undefined;
  readonly #change: Change;

  constructor(
    history: readonly StoredCommand[],
    change: Change = () => ({}),
    world = new World({ seed: 1, history, faults: [] }, []),
  ) {
    this.world = world;
    this.#change = change;
    this.life = {
      number: 1,
      isDead: false,
      isFrozen: false,
      hasSlept: false,
      thawed: Promise.resolve(),
      lease: { worker: "a worker", held: true },
      remembered: {},
    };
    const environment = environmentOf(world, this.life, () => {});
    this.environment = { ...environment, port: this.#intercepted(environment.port), ...change(environment) };
    this.slot = new ProcessorSlot(this.environment);
  }

  /** Begins, and resolves once everything that stands in the log is applied. */
  async start(): Promise<void> {
    void this.slot.start();
    await this.untilApplied(this.world.lastStored);
  }

  untilApplied(sequence: number): Promise<void> {
    return this.until(`${sequence} is applied`, () => (this.checkpoint?.applied ?? -1) >= sequence);
  }

  /** Lets everything go on, and time pass where nothing else does, until the condition holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const { clock } = this.world;
    const giveUpMs = clock.nowMs + limitMs;
    while (!condition()) {
      await goOn();
      if (condition()) return;
      if (clock.nowMs > giveUpMs || !clock.fireNext()) throw new Error(`it never comes to it that ${what}`);
    }
  }

  /** Lets everything go on while this much time passes. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.world;
    let isOver = false;
    clock.after({ isDead: false }, ms, () => {
      isOver = true;
    });
    await this.until(`${ms} ms have passed`, () => isOver);
    await goOn();
  }

  get checkpoint(): Checkpoint | undefined {
    return this.slot.processor?.context.checkpoint.current;
  }

  /** What a worker would load after a crash. */
  get persisted(): Checkpoint | undefined {
    return this.slot.processor?.context.checkpoint.persisted;
  }

  /** The instance is killed and starts again. Resolves once it has again what it lost. */
  async restartInstance(): Promise<void> {
    this.world.restartInstance();
    await this.untilReconciled();
  }

  untilReconciled(): Promise<void> {
    return this.until("it is reconciled", () => this.slot.processor?.context.instance.reconciled === true);
  }

  /** Has the instance carry out a call, as somebody else's, or as one whose answer is lost. */
  carryOut(method: Method, request: Uint8Array): void {
    Array.from(this.world.instance.call(method, request));
  }

  /**
   * The worker dies, without having seen the answer of a call that is under way. Another one takes its place,
   * which `start` begins.
   */
  nextLife(): OneProcessor {
    this.life.isDead = true;
    return new OneProcessor([], this.#change, this.world);
  }

  /**
   * Begins, and dies in the first call of this method (`within`: see atFirst), without having seen its answer.
   * `reach` has the instance carry out what reaches it; without, nothing does. Resolves to the next life.
   */
  async dieAtFirst(
    method: Method,
    reach: (request: Uint8Array) => void = () => {},
    within = "",
  ): Promise<OneProcessor> {
    const dying = (request: Uint8Array) => {
      reach(request);
      this.life.isDead = true;
      return undefined;
    };
    this.onCall = atFirst(method, dying, within);
    void this.slot.start();
    await this.until(`its worker has died in ${method}`, () => this.life.isDead);
    return this.nextLife();
  }

  /** The replies that were sent to this subject. */
  repliesTo(subject: string): Reply[] {
    return this.world.replies.flatMap((one) => (one.subject === subject ? [one.reply] : []));
  }

  #intercepted(port: InstancePort): InstancePort {
    return {
      get ready() {
        return port.ready;
      },
      get connections() {
        return port.connections;
      },
      refusal: port.refusal,
      connect: (timeoutMs) => port.connect(timeoutMs),
      stateChange: (timeoutMs) => port.stateChange(timeoutMs),
      call: async (method, request, timeoutMs, trace) => {
        this.calls.push(method);
        return (await this.onCall(method, request)) ?? port.call(method, request, timeoutMs, trace);
      },
      close: () => port.close(),
    };
  }
}

/**
 * What the first call of this method brings. With `within` it is the first of those whose request has that
 * text, for example an Observe's unique_id.
 */
export function atFirst(
  method: Method,
  bring: (request: Uint8Array) => CallResult | undefined,
  within = "",
): OnCall {
  let isOver = false;
  return (called, request) => {
    if (isOver || called !== method || !Buffer.from(request).includes(within)) return undefined;
    isOver = true;
    return bring(request);
  };
}

/** Everything that waits for no time goes on. */
export async function goOn(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
}

/** A command as it stands in the log. */
export function stored<M extends Method>(
  sequence: number,
  method: M,
  request: RequestOf<M>,
  sent: Partial<StoredCommand> = {},
): StoredCommand {
  const data = encodeRequest(method, request);
  return { id: `c${sequence}`, processor: "p1", sequence, method, data, ...sent };
}

/** A command that sets genes. */
export function setGenes(sequence: number, genes: Record<string, number>): StoredCommand {
  return stored(sequence, "UpdateGenes", { genes });
}

export function observe(
  sequence: number,
  strings: string[],
  sent: Partial<StoredCommand> = {},
): StoredCommand {
  return stored(sequence, "Observe", { strings, unique_id: `o${sequence}` }, sent);
}

/** The call was sent, and its end was not seen. */
export const unseen: CallResult = { kind: "unseen", status: 14, details: "unseen" };

/** KATO has refused the call without beginning it. */
export const notBegun: CallResult = { kind: "answered", status: status.INTERNAL, details: "not parsed" };

/** The answer is larger than gRPC takes. */
export const tooLarge: CallResult = {
  kind: "answered",
  status: status.RESOURCE_EXHAUSTED,
  details: "too large",
};

/** A response with which KATO says that a call has failed. */
export function failed(method: Method, interval: number, text = "no MongoDB"): CallResult {
  const message = `Traceback (most recent call last):\nOSError: ${text}`;
  const response = { status: "FAILED" as const, id: "p1", interval, time_stamp: 0, message };
  return { kind: "response", bytes: encodeResponse(method, response) };
}
