import type { Command } from "commander";
import { sessionOf } from "../connection/session.ts";
import type { SendFlags } from "../options/command-options.ts";
import { sendOptions, withSendOptions } from "../options/command-options.ts";
import { withExamples } from "../options/examples.ts";
import { anyNumber } from "../options/numbers.ts";
import { pair } from "../options/values.ts";
import { confirm } from "../terminal/ask.ts";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import { eventsText } from "./memory.ts";
import { tell } from "./observe.ts";

/** `kato model` and `kato gene`: what a processor has learned, and how it is set. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("model <processor> <name>")
      .description("a model that was learned; MODEL| may be left out")
      .option("--delete", "forget it")
      .option("-y, --yes", "do not ask")
      .action(
        async (id: string, name: string, flags: { delete?: boolean; yes?: boolean }, command: Command) => {
          const { client, print } = sessionOf(io, command);
          const processor = client.processor(id);
          if (flags.delete) {
            await confirm(io, `This makes ${id} forget the model ${name}.`, flags.yes);
            const answer = await processor.deleteModel(name, sendOptions(io, {}));
            return tell<string>(print, answer, () => `${name} is forgotten`);
          }
          const { message: model } = await processor.model(name, { signal: io.stopping });
          if (print.format !== "table") return print.one(model);
          print.one({ ...model, sequence: eventsText(model.sequence) });
        },
      ),
    "kato model p46b6b076c d46a83e73f6feaef6974e00323808137c244cc9c",
  );

  const genes = withExamples(
    program.command("gene").description("read and set genes, KATO's settings at run time"),
    "kato gene get p46b6b076c persistence",
  );
  withExamples(
    genes
      .command("get <processor> <gene>")
      .description("the value of a gene")
      .action(async (id: string, gene: string, _options, command: Command) => {
        const { client, print } = sessionOf(io, command);
        const { message } = await client.processor(id).gene(gene, { signal: io.stopping });
        print.told(message === null ? `there is no gene ${gene}` : String(message), message);
      }),
    "kato gene get p46b6b076c persistence",
  );

  withExamples(
    withSendOptions(
      genes
        .command("set <processor> <gene=value...>")
        .description(
          "recall_threshold, max_sequence_length, persistence, smoothness, always_update_frequencies",
        ),
    ).action(async (id: string, values: string[], flags: SendFlags, command: Command) => {
      const { client, print } = sessionOf(io, command);
      const answer = await client.processor(id).changeGenes(genesOf(values), sendOptions(io, flags));
      tell<string>(print, answer, () => `${values.join(", ")} is set`);
    }),
    "kato gene set p46b6b076c persistence=7 max_sequence_length=10",
  );

  withExamples(
    withSendOptions(
      genes
        .command("increment-recall-threshold <processor> <increment>")
        .description("change the threshold that KATO searches with, by steps of 0.1"),
    ).action(async (id: string, increment: string, flags: SendFlags, command: Command) => {
      const { client, print } = sessionOf(io, command);
      const answer = await client
        .processor(id)
        .incrementRecallThreshold(anyNumber(increment), sendOptions(io, flags));
      tell<number>(print, answer, ({ message }) => `the recall threshold is ${message}`);
    }),
    "kato gene increment-recall-threshold p46b6b076c 0.1",
  );
}

/** Genes as they were written. Which there are, and what they may be, the gateway says. */
function genesOf(values: readonly string[]): Record<string, number | boolean> {
  return Object.fromEntries(
    values.flatMap((text) =>
      Object.entries(pair(text)).map(([gene, value]) => {
        if (value === "true" || value === "false") return [gene, value === "true"];
        if (value.trim() === "" || !Number.isFinite(Number(value))) {
          throw usage(`${gene} has to be a number, true or false, not "${value}"`);
        }
        return [gene, Number(value)];
      }),
    ),
  );
}
