import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { logFull, storeFull } from "../../../libs/commands/log/publish-errors.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import type { StoreRoom } from "../../../libs/nats/store-room.ts";
import { LogSizes } from "./log-sizes.ts";

type Store = Pick<
  StoreRoom,
  "stateWith" | "wrote" | "ask" | "usedBytes" | "capacityBytes" | "reserveBytes" | "close"
>;

/** Roughly what JetStream takes for a command besides its data: the headers, the subject, its own record. */
const aroundDataBytes = 300;

/** After these commands a rebuild needs less of the log, or the instance less room. They have little data. */
const freeing = new Set(["Learn", "ClearWorkingMemory", "ClearAllMemory", "DeleteModel"]);

/** Commands on their way into the log, with the size of their data. */
export interface OnTheirWay {
  commands: number;
  bytes: number;
}

const none: OnTheirWay = { commands: 0, bytes: 0 };

/** What is to be stored. A dead letter that is sent again takes the room of the dead letter. */
export type ToStore = Pick<Command, "processor" | "method" | "data"> & { isResent?: boolean };

/**
 * Whether there is room for a command: in JetStream's storage, and in the log of its processor
 * (docs/decisions/0023-a-full-store-is-a-limit.md).
 */
export class CommandRoom {
  readonly store: Store;
  readonly #sizes: LogSizes;

  constructor(store: Store, logs: Pick<CommandLogs, "size">) {
    this.store = store;
    this.#sizes = new LogSizes(logs);
  }

  /**
   * As `check`, but looks again before it refuses: there may have come room since. Where that is not known, it
   * refuses.
   */
  async admit(command: ToStore, context: ErrorContext): Promise<void> {
    try {
      this.check(command, context);
    } catch {
      await this.ask(command.processor);
      this.check(command, context);
    }
  }

  /** Throws STORE_FULL or LOG_FULL if there is no room, also counting those that are on their way into the log. */
  check(
    { processor, method, data, isResent = false }: ToStore,
    context: ErrorContext,
    others: OnTheirWay = none,
  ): void {
    const bytes = others.bytes + data.length + (others.commands + 1) * aroundDataBytes;
    const mayUseReserve = isResent || freeing.has(method);
    const state = this.store.stateWith(bytes);
    if (state === "spent" || (state === "short" && !mayUseReserve)) throw storeFull(context);
    if (this.#sizes.isFull(processor, bytes) && !mayUseReserve) throw logFull(context);
  }

  /** Counts a command that this gateway has stored. */
  stored({ processor, data }: Pick<Command, "processor" | "data">): void {
    const bytes = data.length + aroundDataBytes;
    this.store.wrote(bytes);
    this.#sizes.wrote(processor, bytes);
  }

  /** Learns how large a log is, before much is stored in it. */
  async ask(processor: string): Promise<void> {
    await Promise.all([this.store.ask(), this.#sizes.ask(processor)]);
  }
}
