import type { Command } from "commander";
import { Option } from "commander";
import { sleep } from "../../../libs/client/transport.ts";
import type { LoggedCommand } from "../../../libs/client/types/gateway.ts";
import type { CommandState } from "../../../libs/client/types/processor.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { timeGone, wholeNumber } from "../options/numbers.ts";
import type { Io } from "../terminal/io.ts";
import type { Style } from "../terminal/style.ts";
import { painter, printable } from "../terminal/style.ts";
import { cut } from "../terminal/table.ts";

const outcomes: readonly CommandState[] = ["queued", "applied", "failed", "expired", "unknown"];
const styles: Partial<Record<CommandState, Style>> = {
  applied: "green",
  failed: "red",
  unknown: "red",
  expired: "yellow",
};

const lookEveryMs = 1_000;
const pageLimit = 1_000;

interface LogFlags {
  follow?: boolean;
  from?: number;
  limit: number;
  method?: string;
  outcome?: CommandState;
  sender?: string;
  since?: string;
  until?: string;
}

/** `kato log` and `kato command`: what a processor was told, and what became of it. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("log <processor>")
      .description("the command log: the newest commands, or those that are asked for")
      .option("-f, --follow", "go on with what comes")
      .option("--from <sequence>", "the first one", wholeNumber)
      .option("--limit <number>", "how many at most", wholeNumber, 20)
      .option("--method <rpc>", "only these: Observe, Learn …")
      .addOption(new Option("--outcome <outcome>", "only what became this").choices(outcomes))
      .option("--sender <sender>", "only of this principal or address")
      .option("--since <time>", "as 10m, or a time in ISO 8601", timeGone)
      .option("--until <time>", "likewise", timeGone)
      .action((id: string, flags: LogFlags, command: Command) => show(sessionOf(io, command), id, flags)),
    "kato log p46b6b076c",
    "kato log p46b6b076c --from 1 --limit 5 --output jsonl",
  );

  withExamples(
    program
      .command("command <processor> <id>")
      .description("what became of a command that was not waited for")
      .action(async (id: string, command: string, _options, self: Command) => {
        const { client, print } = sessionOf(io, self);
        print.one(await client.processor(id).command(command, { signal: io.stopping }));
      }),
    "kato command p46b6b076c COMMAND",
  );
}

async function show(session: Session, id: string, flags: LogFlags): Promise<void> {
  const { io, print } = session;
  const line = lineWriter(session);
  const all: LoggedCommand[] = [];
  const write = (commands: readonly LoggedCommand[]) => {
    // JSON as one value can only be written when all of it is there.
    if (print.format === "json" && !flags.follow) all.push(...commands);
    else if (print.format === "table") commands.forEach(line);
    else for (const command of commands) io.out.write(`${JSON.stringify(command)}\n`);
  };
  let from = flags.from ?? (await newestFrom(session, id, flags));
  let left = flags.limit;
  for (;;) {
    const limit = Math.min(flags.follow ? pageLimit : left, pageLimit);
    const looked = flags.follow ? await lookedThrough(session, id, flags) : 0;
    const { commands, next } = await pageOf(session, id, { ...flags, from, limit });
    write(commands);
    left -= commands.length;
    from = next ?? Math.max(from, looked + 1, (commands.at(-1)?.sequence ?? 0) + 1);
    if (next !== undefined && (flags.follow || left > 0)) continue;
    if (!flags.follow) break;
    const wasStopped = await sleep(lookEveryMs, io.stopping).then(
      () => false,
      () => true,
    );
    if (wasStopped) return;
  }
  if (print.format === "json") print.list(all, []);
}

function pageOf({ client, io }: Session, id: string, { follow: _, ...asked }: LogFlags) {
  return client.processors.log(id, { ...asked, signal: io.stopping });
}

/**
 * Up to where a page that is asked for now shows all that there will ever be to see. What became of a command is known
 * once it is applied.
 */
async function lookedThrough({ client, io }: Session, id: string, { outcome }: LogFlags): Promise<number> {
  const { last, applied } = await client.processors.get(id, { signal: io.stopping });
  return (outcome === undefined ? last : applied) ?? 0;
}

/** Where the newest commands begin. What is filtered is looked for from the log's beginning on. */
async function newestFrom({ client }: Session, id: string, flags: LogFlags): Promise<number> {
  const isFiltered = [flags.method, flags.outcome, flags.sender, flags.since, flags.until].some(
    (filter) => filter !== undefined,
  );
  if (isFiltered) return 1;
  const { last = 0 } = await client.processors.get(id);
  return Math.max(1, last - flags.limit + 1);
}

/** Writes commands as lines of fixed columns, as nobody knows what will follow. The first one comes with titles. */
function lineWriter({ io, time }: Session): (command: LoggedCommand) => void {
  const paint = painter(io, io.out);
  let isFirst = true;
  const write = (cells: readonly string[], styleOf: (index: number) => Style | undefined) => {
    const widths = [9, 20, 22, 8, 16, 0];
    let left = io.out.columns;
    const shown = cells.map((text, index) => {
      const padded = cut(index === 0 ? text.padStart(widths[0] ?? 0) : text.padEnd(widths[index] ?? 0), left);
      left = Math.max(0, left - padded.length - 2);
      return paint(padded, styleOf(index));
    });
    io.out.write(`${shown.join("  ").trimEnd()}\n`);
  };
  return ({ sequence, time: storedAt, method, outcome, sender, command }) => {
    if (isFirst) write(["SEQUENCE", "TIME", "METHOD", "OUTCOME", "SENDER", "COMMAND"], () => "bold");
    isFirst = false;
    const cells = [String(sequence), time(storedAt), method, outcome ?? "-", sender ?? "-", command];
    write(cells.map(printable), (index) => (index === 3 && outcome ? styles[outcome] : undefined));
  };
}
