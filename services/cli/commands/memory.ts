import type { Command } from "commander";
import type { Events } from "../../../libs/client/types/processor.ts";
import { sessionOf } from "../connection/session.ts";
import type { SendFlags } from "../options/command-options.ts";
import { sendOptions, withSendOptions } from "../options/command-options.ts";
import { withExamples } from "../options/examples.ts";
import { wholeNumber } from "../options/numbers.ts";
import { confirm } from "../terminal/ask.ts";
import type { Io } from "../terminal/io.ts";
import { printable } from "../terminal/style.ts";
import { tell } from "./observe.ts";

interface AfterFlags {
  after?: number;
}

/** `kato memory` and `kato clear`: working memory. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("memory <processor>")
      .description("working memory: its events, each in braces")
      .option("--after <sequence>", "only once the command of this sequence is applied", wholeNumber)
      .action(async (id: string, { after }: AfterFlags, command: Command) => {
        const { client, print } = sessionOf(io, command);
        const answer = await client.processor(id).workingMemory({ signal: io.stopping, after });
        print.told(eventsText(answer.message) || "empty", answer.message);
      }),
    "kato memory p46b6b076c",
  );

  withExamples(
    withSendOptions(
      program
        .command("clear <processor>")
        .description("clear working memory; with --all every model too")
        .option("--all", "and forget everything that was learned")
        .option("-y, --yes", "do not ask"),
    ).action(async (id: string, flags: SendFlags & { all?: boolean; yes?: boolean }, command: Command) => {
      const { client, print } = sessionOf(io, command);
      const processor = client.processor(id);
      if (flags.all) await confirm(io, `This clears everything that ${id} has learned.`, flags.yes);
      const options = sendOptions(io, flags);
      const answer = await (flags.all
        ? processor.clearAllMemory(options)
        : processor.clearWorkingMemory(options));
      tell<string>(print, answer, () =>
        flags.all ? `everything of ${id} is cleared` : "working memory is cleared",
      );
    }),
    "kato clear p46b6b076c",
    "kato clear p46b6b076c --all --yes",
  );
}

/** Events as people write them: `{a b} {c}`. */
export function eventsText(events: Events): string {
  return events.map((event) => `{${event.map(printable).join(" ")}}`).join(" ");
}
