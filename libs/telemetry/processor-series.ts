import type { Label } from "./metrics.ts";

/** The labels of a series besides its processor. */
type OtherLabels = Partial<Record<Exclude<Label, "processor">, string>>;

interface Named {
  name: string;
  help: string;
}

interface Series {
  /** Its line, up to the count. */
  begin: string;
  count: number;
}

/**
 * A counter with the label processor, and perhaps others. Like the gauges below and the histogram it writes its text
 * itself: prom-client takes several times as long for the series of hundreds of processors, most of it for garbage that it
 * makes, and a scrape holds up everything else.
 *
 * No value of a label has anything that would have to be escaped.
 */
export class ProcessorCounter {
  readonly #name: string;
  readonly #head: string;
  readonly #isRegistered: (processor: string) => boolean;
  /** By processor, and then by the text of the other labels. */
  readonly #series = new Map<string, Map<string, Series>>();

  constructor({ name, help }: Named, isRegistered: (processor: string) => boolean) {
    this.#name = name;
    this.#head = headOf({ name, help }, "counter");
    this.#isRegistered = isRegistered;
  }

  /** The processor is "" where there is none. */
  inc(processor: string, labels: OtherLabels = {}, count = 1): void {
    let ofProcessor = this.#series.get(processor);
    if (!ofProcessor) {
      ofProcessor = new Map();
      this.#series.set(processor, ofProcessor);
    }
    let others = "";
    if (labels.method !== undefined) others += `,method="${labels.method}"`;
    if (labels.outcome !== undefined) others += `,outcome="${labels.outcome}"`;
    const series = ofProcessor.get(others);
    if (series) series.count += count;
    else ofProcessor.set(others, { begin: `${this.#name}{processor="${processor}"${others}} `, count });
  }

  /**
   * In the format of Prometheus, without the series of processors that are not registered any more, which go for good. So
   * the number of series is bounded by the number of registered processors.
   */
  text(): string {
    let text = this.#head;
    for (const [processor, ofProcessor] of this.#series) {
      if (processor !== "" && !this.#isRegistered(processor)) this.#series.delete(processor);
      else for (const { begin, count } of ofProcessor.values()) text += `${begin}${count}\n`;
    }
    return text;
  }
}

/** A gauge with the label processor, and a value of each of these states, in the format of Prometheus. */
export function gaugeText<S extends { processor: string }>(
  named: Named,
  states: readonly S[],
  read: (state: S) => number,
): string {
  let text = headOf(named, "gauge");
  for (const state of states) text += `${named.name}{processor="${state.processor}"} ${read(state)}\n`;
  return text;
}

/** What stands before the series of a metric. */
export function headOf({ name, help }: Named, type: "counter" | "gauge" | "histogram"): string {
  return `\n# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
