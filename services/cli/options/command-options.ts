import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { CommandOptions } from "../../../libs/client/transport.ts";
import type { Io } from "../terminal/io.ts";
import { wholeNumber } from "./numbers.ts";

/** How a command is sent. */
export interface SendFlags {
  wait?: number;
  async?: boolean;
  idempotencyKey?: string;
}

/** Adds the options of everything that sends a command. */
export function withSendOptions(command: Command): Command {
  return command
    .option("--wait <seconds>", "how long to wait for its answer, 30 without it", wholeNumber)
    .option("--async", "do not wait: say where it stands in the log")
    .option("--idempotency-key <key>", "the same key again within a day is applied once; made up without it");
}

/**
 * What the client is told. Each command gets a key, so that it can be repeated when its connection breaks, and is
 * applied once.
 */
export function sendOptions(io: Io, { wait, async: isAsync, idempotencyKey }: SendFlags): CommandOptions {
  const tell = () => io.err.write("kato: stopped waiting; it may still be applied\n");
  io.stopping.addEventListener("abort", tell, { once: true });
  return {
    signal: io.stopping,
    idempotencyKey: idempotencyKey ?? randomUUID(),
    ...(wait !== undefined && { waitSeconds: wait }),
    ...(isAsync && { async: true }),
  };
}
