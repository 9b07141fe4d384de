import { CliError, exitCodes } from "./cli-error.ts";
import type { Io } from "./io.ts";

/**
 * Asks before something is destroyed. Throws unless the answer is yes. `--yes` answers for scripts; without it they
 * are refused.
 */
export async function confirm(io: Io, question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  if (!io.input.isTerminal) {
    throw new CliError(
      exitCodes.refused,
      `${question} Nobody can be asked here: add --yes if that is meant.`,
    );
  }
  io.err.write(`${question} [y/N] `);
  const answer = await Promise.race([firstLine(io), stopped(io)]);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new CliError(exitCodes.refused, "nothing was done");
}

function stopped({ stopping }: Io): Promise<string> {
  return new Promise((resolve) => stopping.addEventListener("abort", () => resolve("no"), { once: true }));
}

async function firstLine({ input }: Io): Promise<string> {
  let text = "";
  for await (const chunk of input.bytes()) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  return text.split("\n", 1)[0] ?? "";
}
