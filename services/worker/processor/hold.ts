import type { RebuildAnswer, RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Held } from "../checkpoint/checkpoint.ts";
import { decidedToAdopt, decidedToReplay } from "../checkpoint/lost-commands.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import type { Context } from "../engine/context.ts";
import { countLog } from "../engine/count-log.ts";
import type { CommandOutcomes } from "../outcomes/command-outcomes.ts";
import type { Status } from "./status.ts";

/**
 * Holds a processor for as long as its checkpoint says so, until an operator decides (docs/operating.md, A
 * processor that is held).
 *
 * States: *free*, *held*. While it is held nothing is applied and the instance is not called. That it is held is
 * persisted, so a later worker holds it too.
 */
export class Hold {
  readonly #context: Context;
  readonly #status: Status;
  readonly #outcomes: CommandOutcomes;
  #decided: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  constructor({
    context,
    status,
    outcomes,
  }: { context: Context; status: Status; outcomes: CommandOutcomes }) {
    this.#context = context;
    this.#status = status;
    this.#outcomes = outcomes;
  }

  /** If it is held, resolves to true once somebody has decided, or at `close`. Otherwise to false at once. */
  async untilDecided(): Promise<boolean> {
    if (!this.#held || this.#isClosed) return false;
    this.#status.become("held");
    this.#decided = Promise.withResolvers();
    await this.#decided.promise;
    return true;
  }

  /**
   * Decides what becomes of a held processor. Once it resolves, the decision is persisted. Resolves to undefined
   * if the request is none for a held processor. To be called while nothing else has the instance.
   */
  async decide({ from, dryRun, adopt }: RebuildRequest): Promise<RebuildAnswer | undefined> {
    const held = this.#held;
    if (!held) return adopt ? { kind: "not-held" } : undefined;
    if (adopt) return this.#adopt(held, adopt.applied ?? held.through);
    if (from === undefined) return { kind: "held", reason: held.reason };
    return this.#replay(held, from, dryRun);
  }

  close(): void {
    this.#isClosed = true;
    this.#decided?.resolve();
  }

  async #adopt(held: Held, applied: number): Promise<RebuildAnswer> {
    const { checkpoint, history, log } = this.#context;
    const first = (await history.firstKept()) - 1;
    if (applied < first || applied > held.through) {
      return { kind: "no-such-place", first, last: held.through };
    }
    log.warn({ applied }, "the instance is adopted as it is");
    await this.#decideTo(decidedToAdopt(checkpoint.current, applied));
    return { kind: "adopted", applied };
  }

  async #replay(held: Held, from: number, dryRun: boolean): Promise<RebuildAnswer> {
    const { checkpoint, history, log } = this.#context;
    const first = await history.firstKept();
    const isKept = from >= first && from <= held.through;
    const survey = await countLog(isKept ? history.steps({ sequence: from, step: 0 }, held.through) : []);
    if (survey.commands === 0) return { kind: "not-kept", first: first <= held.through ? first : 0 };
    if (dryRun) return { kind: "surveyed", survey };
    log.warn({ from, through: held.through }, "clearing the instance to replay the history");
    await this.#decideTo(decidedToReplay(checkpoint.current, held, survey));
    return { kind: "replaying", survey };
  }

  /**
   * Carries out a decision. It stands also if NATS does not answer: then nobody is told, because nobody knows
   * whether a later worker will find it (A7).
   */
  async #decideTo(changes: Changes): Promise<void> {
    try {
      await this.#context.checkpoint.persist(changes);
    } finally {
      this.#goOn();
    }
  }

  #goOn(): void {
    this.#context.instance.doubt();
    this.#outcomes.forgetSequences();
    this.#status.become("rebuilding");
    this.#decided?.resolve();
  }

  get #held(): Held | null {
    return this.#context.checkpoint.current.held;
  }
}
