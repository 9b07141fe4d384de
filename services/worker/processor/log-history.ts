import type { History } from "../engine/context.ts";
import { NatsAway } from "../model/interruptions.ts";
import type { Position } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { stepsOf } from "../model/step.ts";
import type { IngestionCounter } from "../outcomes/ingestion-counter.ts";
import type { ProcessorStores } from "./processor-environment.ts";

/**
 * The processor's log, as recovery reads it. While the log is in doubt it cannot be read: it may be another one than that
 * which was applied.
 */
export class LogHistory implements History {
  readonly #processor: string;
  readonly #logs: Pick<ProcessorStores["logs"], "readRange" | "first">;
  readonly #counter: Pick<IngestionCounter, "prepare">;
  readonly #isInDoubt: () => boolean;

  constructor(
    processor: string,
    logs: Pick<ProcessorStores["logs"], "readRange" | "first">,
    counter: Pick<IngestionCounter, "prepare">,
    isInDoubt: () => boolean,
  ) {
    this.#processor = processor;
    this.#logs = logs;
    this.#counter = counter;
    this.#isInDoubt = isInDoubt;
  }

  async *steps(from: Position, through: number): AsyncGenerator<Step> {
    try {
      for await (const command of this.#logs.readRange(this.#processor, from.sequence, through)) {
        // The reader of a step may conclude it, so the counts have to be loaded.
        await this.#counter.prepare(command);
        if (this.#isInDoubt())
          throw new Error("it was not compared with the checkpoint since it may be another one");
        for (const step of stepsOf(command)) {
          if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;
        }
      }
    } catch (cause) {
      throw new NatsAway("the log cannot be read", { cause });
    }
  }

  async firstKept(): Promise<number> {
    try {
      return await this.#logs.first(this.#processor);
    } catch (cause) {
      throw new NatsAway("the log cannot be read", { cause });
    }
  }
}
