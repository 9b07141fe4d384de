import type { Command } from "commander";
import { Argument } from "commander";
import type { DeadLetter } from "../../../libs/client/types/gateway.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { wholeNumber } from "../options/numbers.ts";
import { confirm } from "../terminal/ask.ts";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

type Action = "resend" | "discard";

const pageLimit = 1_000;

/** `kato dead-letters`: commands that nobody waited for and that did not succeed. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("dead-letters <processor>")
      .description(
        "commands that nobody waited for and that failed: list them, send them again, or throw them away",
      )
      .addArgument(new Argument("[action]", "without it they are listed").choices(["resend", "discard"]))
      .argument("[sequences...]", "which ones", sequences)
      .option("--all", "all of them")
      .option("-y, --yes", "do not ask")
      .action(
        async (
          id: string,
          action: Action | undefined,
          asked: number[] = [],
          flags: { all?: boolean; yes?: boolean },
          command: Command,
        ) => {
          const session = sessionOf(io, command);
          if (action === undefined) return list(session, await lettersOf(session, id));
          if (Boolean(flags.all) === asked.length > 0)
            throw usage(`say which ones: their sequences, or --all`);
          const wanted = flags.all ? (await lettersOf(session, id)).map(({ sequence }) => sequence) : asked;
          if (action === "discard")
            await confirm(io, `This throws ${wanted.length} dead letters of ${id} away.`, flags.yes);
          await handle(session, id, action, wanted);
        },
      ),
    "kato dead-letters p46b6b076c",
    "kato dead-letters p46b6b076c resend --all",
    "kato dead-letters p46b6b076c discard --all --yes",
  );
}

function sequences(text: string, before: number[] = []): number[] {
  return [...before, wholeNumber(text)];
}

async function lettersOf({ client, io }: Session, id: string): Promise<DeadLetter[]> {
  const all: DeadLetter[] = [];
  let from: number | undefined;
  do {
    const page = await client.processors.deadLetters(id, { from, limit: pageLimit, signal: io.stopping });
    all.push(...page.dead_letters);
    from = page.next;
  } while (from !== undefined);
  return all;
}

function list({ print, time }: Session, letters: readonly DeadLetter[]): void {
  print.list(letters, [
    { title: "SEQUENCE", value: ({ sequence }) => sequence, align: "right" },
    { title: "TIME", value: (letter) => time(letter.time) },
    { title: "METHOD", value: ({ method }) => method },
    { title: "OUTCOME", value: ({ outcome }) => outcome, style: () => "red" },
    { title: "WHY", value: ({ problem }) => problem.detail },
  ]);
}

/** One after the other, in their order. Where one fails, it is told how many were done. */
async function handle({ client, io, print }: Session, id: string, action: Action, wanted: readonly number[]) {
  let done = 0;
  try {
    for (const sequence of wanted) {
      io.stopping.throwIfAborted();
      if (action === "resend") await client.processors.resendDeadLetter(id, sequence);
      else await client.processors.discardDeadLetter(id, sequence);
      done++;
    }
  } finally {
    const text = action === "resend" ? "sent again" : "thrown away";
    const rest = done < wanted.length ? ` of ${wanted.length}` : "";
    print.told(`${done}${rest} ${text}`, { processor: id, action, done, wanted: wanted.length });
  }
}
