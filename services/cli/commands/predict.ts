import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { wholeNumber } from "../options/numbers.ts";
import { words } from "../options/values.ts";
import type { Figure } from "../terminal/draw-predictions.ts";
import { drawPredictions, figures } from "../terminal/draw-predictions.ts";
import type { Io } from "../terminal/io.ts";
import { painter } from "../terminal/style.ts";

/** `kato predict`: what is expected. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("predict <processor>")
      .description("the predictions: past | present | future; -x is missing, +x is extra")
      .option("--figures <names>", `with commas between: ${figures.join(", ")}`, figuresOf, [
        "potential",
        "confidence",
      ])
      .option("--limit <number>", "how many at most", wholeNumber)
      .option("--after <sequence>", "only once the command of this sequence is applied", wholeNumber)
      .action(
        async (
          id: string,
          flags: { figures: Figure[]; limit?: number; after?: number },
          command: Command,
        ) => {
          const { client, print } = sessionOf(io, command);
          const answer = await client.processor(id).predictions({ signal: io.stopping, after: flags.after });
          const predictions = answer.message.slice(0, flags.limit);
          if (print.format !== "table") return print.list(predictions, []);
          const size = { width: io.out.columns, paint: painter(io, io.out) };
          const lines = predictions.length > 0 ? drawPredictions(predictions, flags.figures, size) : ["none"];
          for (const line of lines) io.out.write(`${line}\n`);
        },
      ),
    "kato predict p46b6b076c",
    "kato predict p46b6b076c --figures potential,similarity,name --limit 3",
  );
}

function figuresOf(text: string): Figure[] {
  return words(text).map((word) => {
    const figure = figures.find((each) => each === word);
    if (figure === undefined)
      throw new InvalidArgumentError(`There is no figure ${word}: ${figures.join(", ")}.`);
    return figure;
  });
}
