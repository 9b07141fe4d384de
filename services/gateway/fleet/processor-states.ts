import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import { reportEveryMs } from "../../../libs/commands/messages/processor-state.ts";
import { stateSubject } from "../../../libs/commands/messages/subjects.ts";

/** Silence of this length means that no worker runs the processor. */
const silenceMs = 3 * reportEveryMs;
/** So long it may take until a worker that is at one command has asked for the end of the log and told it. */
const ownMs = 3 * reportEveryMs;

/** What waits in a processor's log, as far as this gateway knows. */
export interface Queue {
  /** The last sequence in the log. */
  last: number;
  /** Commands that are not applied. */
  depth: number;
  /** How long the oldest of them stands there, 0 without one. */
  oldestMs: number;
  /** Commands applied per second while there are any to apply; 0 where that is not known. */
  drainRate: number;
}

/** What is known of one processor. */
interface Known {
  report: ProcessorState | undefined;
  /** When that came. */
  at: number;
  /** The last sequence that this gateway has stored, and when. */
  stored: number;
  storedAt: number;
}

/** How the processors stand, from what the workers report and from what this gateway has stored itself. */
export class ProcessorStates {
  readonly #known = new Map<string, Known>();
  readonly #subscription: Subscription;
  readonly #openedAt = performance.now();

  constructor(connection: NatsConnection) {
    this.#subscription = connection.subscribe(stateSubject("*"), {
      callback: (error, message) => {
        if (error) return;
        const report = message.json<ProcessorState>();
        Object.assign(this.#of(report.processor), { report, at: performance.now() });
      },
    });
  }

  /** The latest report, or undefined where there is none or it is too old. */
  get(processor: string): ProcessorState | undefined {
    const known = this.#known.get(processor);
    return known && performance.now() - known.at < silenceMs ? known.report : undefined;
  }

  /** Whether it is known that no worker runs the processor: a gateway that has just started does not know yet. */
  isUnowned(processor: string): boolean {
    return this.get(processor) === undefined && performance.now() - this.#openedAt > silenceMs;
  }

  /** The log has a command at this sequence. */
  stored(processor: string, sequence: number): void {
    const known = this.#of(processor);
    known.stored = Math.max(known.stored, sequence);
    known.storedAt = performance.now();
  }

  /** What waits; undefined where it was not told yet what is applied: a worker has to look that up when it starts. */
  queue(processor: string): Queue | undefined {
    const known = this.#known.get(processor);
    if (!known?.report || known.report.last === 0) return undefined;
    const { report, at, stored, storedAt } = known;
    // What was stored earlier than that a report knows better.
    const last = storedAt > at - ownMs ? Math.max(report.last, stored) : report.last;
    const depth = Math.max(0, last - report.applied);
    return {
      last,
      depth,
      oldestMs: report.oldestMs > 0 ? report.oldestMs + performance.now() - at : 0,
      drainRate: this.get(processor)?.drainRate ?? 0,
    };
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #of(processor: string): Known {
    const known = this.#known.get(processor) ?? { report: undefined, at: 0, stored: 0, storedAt: 0 };
    this.#known.set(processor, known);
    return known;
  }
}
