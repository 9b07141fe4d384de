import type { Msg } from "@nats-io/transport-node";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import { reportEveryMs } from "../../../libs/commands/messages/processor-state.ts";
import { stateSubject } from "../../../libs/commands/messages/subjects.ts";
import { AwakeClock } from "./awake-clock.ts";

/**
 * A processor whose worker has not reported for this long, while this gateway ran, counts as unowned: no worker runs
 * it.
 */
const silenceMs = 3 * reportEveryMs;
/**
 * A command that this gateway stored less than this long before a report may be missing in the report. A
 * worker asks for the end of the log only now and then.
 */
const reportDelayMs = 3 * reportEveryMs;

/** The commands that wait in a processor's log, as far as this gateway knows. */
export interface Queue {
  /** The last sequence in the log. */
  last: number;
  /** How many commands are not applied. */
  depth: number;
  /** How long the oldest of them has been in the log, 0 without one. */
  oldestMs: number;
  /** Commands applied per second while there were any to apply; 0 if that is not known. */
  drainRate: number;
}

/** Where reports come from: a connection to NATS. */
interface ReportSource {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: Pick<Msg, "json">) => void },
  ): { unsubscribe(): void };
}

/** What an answer shows: the instance has everything up to this sequence, and its interval is this. */
interface Answered {
  sequence: number;
  interval?: number | undefined;
}

/** What is known of one processor. Times are those of `performance.now`. */
interface Known {
  /** The latest report of its worker, with what answers have shown since. And when the latest of these came. */
  report: ProcessorState | undefined;
  reportedAt: number;
  /** The same time by the clock of `silenceMs`. */
  heardAtMs: number;
  /** The last sequence that this gateway has stored, and when. */
  stored: number;
  storedAt: number;
}

/**
 * The state of each processor: from its worker's reports, from what this gateway has stored, and from the
 * answers that went through it. So what a client was told is not contradicted by what it asks next, although a
 * report comes up to a second later. A worker's report that comes after its answer was made after it.
 */
export class ProcessorStates {
  readonly #known = new Map<string, Known>();
  readonly #subscription: { unsubscribe(): void };
  /** Silence counts only while this gateway could hear. */
  readonly #clock: Pick<AwakeClock, "nowMs" | "close">;
  readonly #openedAtMs: number;

  constructor(connection: ReportSource, clock: Pick<AwakeClock, "nowMs" | "close"> = new AwakeClock()) {
    this.#clock = clock;
    this.#openedAtMs = clock.nowMs;
    this.#subscription = connection.subscribe(stateSubject("*"), {
      callback: (error, message) => {
        if (error) return;
        const report = message.json<ProcessorState>();
        const known = this.#of(report.processor);
        known.report = withNumbers(report, known.report);
        this.#heard(known);
      },
    });
  }

  /** The latest report; undefined if there is none or it is too old. */
  get(processor: string): ProcessorState | undefined {
    const known = this.#known.get(processor);
    return known && this.#clock.nowMs - known.heardAtMs < silenceMs ? known.report : undefined;
  }

  /** The sequence up to which everything is applied; undefined while nobody has told. */
  applied(processor: string): number | undefined {
    const report = this.get(processor);
    return report && hasNumbers(report) ? report.applied : undefined;
  }

  /** Whether it is certain that no worker runs the processor. A gateway that has just started cannot know. */
  isUnowned(processor: string): boolean {
    return this.get(processor) === undefined && this.#clock.nowMs - this.#openedAtMs > silenceMs;
  }

  /** Takes note that this gateway has stored a command. */
  stored(processor: string, sequence: number): void {
    const known = this.#of(processor);
    known.stored = Math.max(known.stored, sequence);
    known.storedAt = performance.now();
  }

  /** The last sequence in the log that this gateway has ever heard of; 0 if it has heard of none. */
  lastKnown(processor: string): number {
    const { report, stored } = this.#known.get(processor) ?? {};
    return Math.max(report?.last ?? 0, stored ?? 0);
  }

  /** Takes note that an instance has answered: it is there, and has everything up to this sequence. */
  answered(processor: string, { sequence, interval }: Answered): void {
    const known = this.#known.get(processor);
    if (!known?.report) return;
    const isAway = ["rebuilding", "down"].includes(known.report.state);
    this.#heard(known);
    known.report = {
      ...(known.report.opening === "instance" ? withoutOpening(known.report) : known.report),
      ...(isAway && { state: "applying", reason: "" }),
      ...(interval !== undefined && { interval }),
    };
    this.passed(processor, sequence);
  }

  /** Takes note that everything up to a sequence has ended. During a rebuild that may be done once more. */
  passed(processor: string, sequence: number): void {
    const known = this.#known.get(processor);
    if (!known?.report || known.report.state === "rebuilding" || sequence <= known.report.applied) return;
    const last = Math.max(known.report.last, sequence);
    known.report = { ...known.report, applied: sequence, last };
  }

  /** What waits in the log; undefined until a worker has reported what is applied. */
  queue(processor: string): Queue | undefined {
    const known = this.#known.get(processor);
    if (!known?.report || known.report.last === 0) return undefined;
    const { report, reportedAt, stored, storedAt } = known;
    const isNewer = storedAt > reportedAt - reportDelayMs;
    const last = isNewer ? Math.max(report.last, stored) : report.last;
    const depth = Math.max(0, last - report.applied);
    return {
      last,
      depth,
      oldestMs: depth > 0 && report.oldestMs > 0 ? report.oldestMs + performance.now() - reportedAt : 0,
      drainRate: this.get(processor)?.drainRate ?? 0,
    };
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#clock.close();
  }

  #heard(known: Known): void {
    known.reportedAt = performance.now();
    known.heardAtMs = this.#clock.nowMs;
  }

  #of(processor: string): Known {
    const known = this.#known.get(processor) ?? {
      report: undefined,
      ...{ reportedAt: 0, heardAtMs: Number.NEGATIVE_INFINITY },
      ...{ stored: 0, storedAt: 0 },
    };
    this.#known.set(processor, known);
    return known;
  }
}

/** Whether a worker has reported with the numbers of the checkpoint. */
export function hasNumbers({ opening }: ProcessorState): boolean {
  return opening !== "checkpoint";
}

function withoutOpening({ opening: _, ...report }: ProcessorState): ProcessorState {
  return report;
}

/**
 * A report, with the numbers that were reported before it where its worker does not have them yet. Otherwise whoever
 * was told that a command is applied would be told that it waits.
 */
function withNumbers(report: ProcessorState, known: ProcessorState | undefined): ProcessorState {
  if (hasNumbers(report) || !known || !hasNumbers(known)) return report;
  const { state, since, reason, worker } = report;
  const { settled: _, ...numbers } = known;
  return { ...numbers, state, since, reason, worker, opening: "instance" };
}
