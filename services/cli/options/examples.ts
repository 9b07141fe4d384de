import type { Command } from "commander";

const known = new WeakMap<Command, readonly string[]>();

/** Adds examples to a command's help. A test runs each of them (test/end-to-end/cli/examples.ts). */
export function withExamples(command: Command, ...lines: string[]): Command {
  known.set(command, lines);
  return command.addHelpText(
    "after",
    ["", lines.length > 1 ? "Examples:" : "Example:", ...lines.map((line) => `  $ ${line}`)].join("\n"),
  );
}

export function examplesOf(command: Command): readonly string[] {
  return known.get(command) ?? [];
}
