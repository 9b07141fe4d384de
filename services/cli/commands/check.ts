import type { Command } from "commander";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { CliError, exitCodes } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import { countOf, durationOf } from "../terminal/time.ts";

/** `kato check`: one line and an exit code, for monitoring. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("check [processors...]")
      .description("one line for monitoring; 0: all is well, 1: a processor is not, 3: the gateway is away")
      .action(async (ids: string[], _options, command: Command) => {
        const { client, print } = sessionOf(io, command);
        await client.gateway.ready();
        const known = (await client.processors.list()).processors;
        const missing = ids.filter((id) => !known.some((each) => each.id === id));
        const looked = ids.length === 0 ? known : known.filter(({ id }) => ids.includes(id));
        const troubles = [
          ...looked.flatMap((each) => troubleOf(each) ?? []),
          ...missing.map((id) => `${id} is not registered`),
        ];
        const waiting = looked.reduce((sum, { depth }) => sum + (depth ?? 0), 0);
        const oldest = Math.max(0, ...looked.map(({ oldest_seconds }) => oldest_seconds ?? 0));
        const numbers = `${looked.length} processors, ${countOf(waiting)} commands wait, the oldest for ${durationOf(oldest)}`;
        const isWell = troubles.length === 0;
        const line = isWell ? `OK: ${numbers}` : `NOT OK: ${troubles.join("; ")} (${numbers})`;
        print.told(line, {
          ok: isWell,
          processors: looked.length,
          waiting,
          oldest_seconds: oldest,
          troubles,
        });
        if (!isWell) throw new CliError(exitCodes.refused, "");
      }),
    "kato check",
    "kato check p46b6b076c",
  );
}

function troubleOf({ id, healthy, state, reason, degraded, paused }: Processor): string | undefined {
  if (!healthy) return `${id} is ${state}${reason ? ` (${reason})` : ""}`;
  if (paused) return `${id} is paused`;
  return degraded === undefined ? undefined : `${id} is degraded (${degraded})`;
}
