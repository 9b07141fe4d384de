import type { Command } from "commander";
import { KatoError } from "../../../libs/client/kato-error.ts";
import { sleep } from "../../../libs/client/transport.ts";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import type { Io } from "../terminal/io.ts";
import { Screen } from "../terminal/screen.ts";
import { painter, printable } from "../terminal/style.ts";
import { cut, tableOf } from "../terminal/table.ts";
import { countOf } from "../terminal/time.ts";
import { processorColumns } from "./processor-columns.ts";

const drawEveryMs = 1_000;

/** `kato top`: the fleet, live. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("top")
      .description("the fleet, live: what is wrong first, then what waits longest; q ends it")
      .action(async (_options, command: Command) => {
        const session = sessionOf(io, command);
        const first = await look(session);
        if (!io.out.isTerminal || session.print.format !== "table")
          return session.print.list(first, processorColumns);
        await live(session, first);
      }),
    "kato top",
  );
}

async function look({ client, io }: Session): Promise<Processor[]> {
  const { processors } = await client.processors.list({ signal: io.stopping });
  return processors.toSorted(
    (one, other) =>
      Number(isWell(one)) - Number(isWell(other)) ||
      (other.depth ?? 0) - (one.depth ?? 0) ||
      (one.id < other.id ? -1 : 1),
  );
}

function isWell({ healthy, degraded }: Processor): boolean {
  return healthy && degraded === undefined;
}

async function live(session: Session, first: readonly Processor[]): Promise<void> {
  const { io } = session;
  const screen = new Screen(io);
  let processors = first;
  let trouble = "";
  try {
    while (!screen.isClosed) {
      screen.draw(linesOf(session, processors, trouble));
      await sleep(drawEveryMs, screen.closing).catch(() => {});
      if (screen.isClosed) return;
      try {
        processors = await look(session);
        trouble = "";
      } catch (error) {
        if (!(error instanceof KatoError)) throw error;
        trouble = error.message;
      }
    }
  } finally {
    screen.close();
  }
}

/** What stands on the screen: a summary, then as many processors as there is room for. */
function linesOf(
  { io, connection, time }: Session,
  processors: readonly Processor[],
  trouble: string,
): string[] {
  const paint = painter(io, io.out);
  const width = io.out.columns;
  const waiting = processors.reduce((sum, { depth }) => sum + (depth ?? 0), 0);
  const rate = processors.reduce((sum, each) => sum + (each.rate ?? 0), 0);
  const ill = processors.filter((each) => !isWell(each)).length;
  const numbers = `${processors.length} processors, ${ill} not well, ${countOf(waiting)} waiting, ${countOf(rate)}/s`;
  const head = [
    cut(`kato top  ${connection.url}  ${time(new Date().toISOString())}`, width),
    trouble === "" ? cut(numbers, width) : paint(cut(printable(trouble), width), "red"),
    "",
  ];
  const room = Math.max(1, io.out.rows - head.length - 2);
  const table = tableOf(processors.slice(0, room), processorColumns, { width, paint });
  const hidden = processors.length - room;
  return [...head, ...table, ...(hidden > 0 ? [`and ${hidden} more`] : [])];
}
