import type { Command } from "commander";
import type { KatoClient } from "../../../libs/client/client.ts";
import type { Io } from "../terminal/io.ts";
import type { Format, Printer } from "../terminal/print.ts";
import { printerOf } from "../terminal/print.ts";
import { timeOf } from "../terminal/time.ts";
import type { Connection, ConnectionFlags } from "./connect.ts";
import { clientOf, connectionOf } from "./connect.ts";

/** The options that every command has. */
export interface GlobalFlags extends ConnectionFlags {
  output: Format;
  utc?: boolean;
}

/** What a command works with. */
export interface Session {
  readonly io: Io;
  readonly print: Printer;
  readonly flags: GlobalFlags;
  readonly connection: Connection;
  readonly client: KatoClient;
  /** A time as it was asked for. */
  readonly time: (iso: string | null | undefined) => string;
}

export function printerFor(io: Io, command: Command): Printer {
  const { output, utc } = command.optsWithGlobals<GlobalFlags>();
  return printerOf(io, output, utc === true);
}

export function sessionOf(io: Io, command: Command): Session {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const connection = connectionOf(io, flags);
  return {
    io,
    flags,
    connection,
    print: printerOf(io, flags.output, flags.utc === true),
    client: clientOf(connection),
    time: (iso) => timeOf(iso, flags.utc === true),
  };
}
