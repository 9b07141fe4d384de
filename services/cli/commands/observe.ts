import type { Command } from "commander";
import type { Envelope, Observation, Observed, Queued } from "../../../libs/client/types/processor.ts";
import { sessionOf } from "../connection/session.ts";
import type { SendFlags } from "../options/command-options.ts";
import { sendOptions, withSendOptions } from "../options/command-options.ts";
import { withExamples } from "../options/examples.ts";
import { emotivePair, pair, vectorOf } from "../options/values.ts";
import type { Io } from "../terminal/io.ts";
import type { Printer } from "../terminal/print.ts";

interface ObserveFlags extends SendFlags {
  vector?: number[][];
  emotive?: Record<string, number>;
  metadata?: Record<string, string>;
  uniqueId?: string;
  source?: string;
}

/** `kato observe`, `kato learn` and `kato clear`: the commands that change working memory. */
export function register(program: Command, io: Io): void {
  withExamples(
    withSendOptions(
      program
        .command("observe <processor> [symbols...]")
        .description("observe one event: symbols, vectors and emotives")
        .option("--vector <numbers>", "as 1,0.5,-2; may be given several times", vectorOf)
        .option("--emotive <name=value>", "as joy=0.5; may be given several times", emotivePair)
        .option("--metadata <name=text>", "may be given several times", pair)
        .option("--unique-id <id>", "the observation's id; made up without it")
        .option("--source <source>", "where it comes from"),
    ).action(async (id: string, symbols: string[], flags: ObserveFlags, command: Command) => {
      const { client, print } = sessionOf(io, command);
      const { vector, emotive, metadata, uniqueId, source } = flags;
      const observation: Observation = {
        ...(symbols.length > 0 && { strings: symbols }),
        ...(vector && { vectors: vector }),
        ...(emotive && { emotives: emotive }),
        ...(metadata && { metadata }),
        ...(uniqueId !== undefined && { unique_id: uniqueId }),
        ...(source !== undefined && { source }),
      };
      const answer = await client.processor(id).observe(observation, sendOptions(io, flags));
      tell<Observed>(print, answer, ({ interval, message }) => {
        const learned = message.auto_learned_model;
        return `observed, ${interval} in all${learned ? `; it has learned ${learned}` : ""}`;
      });
    }),
    "kato observe p46b6b076c b a",
    "kato observe p46b6b076c --vector 1,0.5,-2 --emotive joy=0.5",
  );

  withExamples(
    withSendOptions(
      program.command("learn <processor>").description("learn working memory as a model, and clear it"),
    ).action(async (id: string, flags: SendFlags, command: Command) => {
      const { client, print } = sessionOf(io, command);
      const answer = await client.processor(id).learn(sendOptions(io, flags));
      tell<string>(print, answer, ({ message }) => message || "there was nothing to learn");
    }),
    "kato learn p46b6b076c",
  );
}

/** Prints the answer of a command, or that it is queued. */
export function tell<Message>(
  print: Printer,
  answer: Envelope<Message> | Queued,
  textOf: (answer: Envelope<Message>) => string,
): void {
  if ("message" in answer) print.told(textOf(answer), answer);
  else print.told(`queued: command ${answer.command}, sequence ${answer.sequence}`, answer);
}
