import { headOf } from "./processor-series.ts";

/** The bounds of its buckets: few, as each is a series for each processor. */
const boundsSeconds = [0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** What is counted of one processor. */
interface Counts {
  /** By bucket, each without those below it. The last one is of what is longer than all bounds. */
  buckets: number[];
  sum: number;
  count: number;
}

/** A histogram with the label processor and no other. It writes its text itself, as a ProcessorCounter does. */
export class ProcessorHistogram {
  readonly #name: string;
  readonly #head: string;
  readonly #isOn: boolean;
  readonly #isRegistered: (processor: string) => boolean;
  readonly #counts = new Map<string, Counts>();

  /** Without `isOn` nothing is counted or served (LATENCY_BY_PROCESSOR). */
  constructor(
    { name, help, isOn }: { name: string; help: string; isOn: boolean },
    isRegistered: (processor: string) => boolean,
  ) {
    this.#name = name;
    this.#head = headOf({ name, help }, "histogram");
    this.#isOn = isOn;
    this.#isRegistered = isRegistered;
  }

  observe(processor: string, seconds: number): void {
    if (!this.#isOn) return;
    const counts = this.#counts.get(processor) ?? this.#begin(processor);
    if (!counts) return;
    const found = boundsSeconds.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? boundsSeconds.length : found;
    counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
    counts.sum += seconds;
    counts.count++;
  }

  /** In the format of Prometheus, without the series of processors that are not registered any more. */
  text(): string {
    if (!this.#isOn) return "";
    let text = this.#head;
    for (const [processor, counts] of this.#counts) {
      if (this.#isRegistered(processor)) text += this.#linesOf(processor, counts);
      else this.#counts.delete(processor);
    }
    return text;
  }

  #begin(processor: string): Counts | undefined {
    if (!this.#isRegistered(processor)) return undefined;
    const counts = { buckets: new Array<number>(boundsSeconds.length + 1).fill(0), sum: 0, count: 0 };
    this.#counts.set(processor, counts);
    return counts;
  }

  /** An id has nothing that would have to be escaped. */
  #linesOf(processor: string, { buckets, sum, count }: Counts): string {
    const name = this.#name;
    const label = `processor="${processor}"`;
    let lines = "";
    let below = 0;
    for (const [index, bound] of boundsSeconds.entries()) {
      below += buckets[index] ?? 0;
      lines += `${name}_bucket{le="${bound}",${label}} ${below}\n`;
    }
    lines += `${name}_bucket{le="+Inf",${label}} ${count}\n`;
    return `${lines}${name}_sum{${label}} ${sum}\n${name}_count{${label}} ${count}\n`;
  }
}
