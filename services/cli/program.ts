import { Command, CommanderError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { failureOf } from "./connection/failure.ts";
import { withExamples } from "./options/examples.ts";
import { CliError, exitCodes } from "./terminal/cli-error.ts";
import type { Io } from "./terminal/io.ts";
import { formats } from "./terminal/print.ts";
import { painter, printable } from "./terminal/style.ts";

interface Group {
  register(program: Command, io: Io): void;
}

/** Every command, in the order in which the help has them. Only the one that is called is loaded. */
const groups: Record<string, { summary: string; load: () => Promise<Group> }> = {
  processors: {
    summary: "list, register, pause, rebuild, remove",
    load: () => import("./commands/processors.ts"),
  },
  observe: { summary: "observe one event", load: () => import("./commands/observe.ts") },
  learn: { summary: "learn working memory as a model", load: () => import("./commands/observe.ts") },
  predict: { summary: "what is expected", load: () => import("./commands/predict.ts") },
  memory: { summary: "working memory", load: () => import("./commands/memory.ts") },
  clear: { summary: "clear working memory, or all", load: () => import("./commands/memory.ts") },
  model: { summary: "a model that was learned", load: () => import("./commands/model.ts") },
  gene: { summary: "read and set genes", load: () => import("./commands/model.ts") },
  ingest: { summary: "observe what a file has", load: () => import("./commands/ingest.ts") },
  top: { summary: "the fleet, live", load: () => import("./commands/top.ts") },
  log: { summary: "the command log", load: () => import("./commands/log.ts") },
  command: { summary: "what became of a command", load: () => import("./commands/log.ts") },
  "dead-letters": {
    summary: "what failed and nobody waited for",
    load: () => import("./commands/dead-letters.ts"),
  },
  keys: { summary: "the keys of clients", load: () => import("./commands/keys.ts") },
  audit: { summary: "who has changed what", load: () => import("./commands/audit.ts") },
  check: { summary: "one line and an exit code, for monitoring", load: () => import("./commands/check.ts") },
  doctor: { summary: "what is wrong, and what to do", load: () => import("./commands/doctor.ts") },
  backup: { summary: "save what NATS keeps", load: () => import("./commands/backup.ts") },
  restore: { summary: "restore a backup", load: () => import("./commands/backup.ts") },
  completion: {
    summary: "complete command lines with the tabulator",
    load: () => import("./commands/completion.ts"),
  },
  context: { summary: "the gateways that you work with", load: () => import("./commands/context.ts") },
};

export const commandNames = Object.keys(groups);

/** Runs one command line. Resolves to its exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    const program = await programFor(args, io);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(withIdsLast(args), { from: "user" });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (io.stopping.aborted && !(error instanceof CliError)) return 130;
    const { exitCode, sentence } = failureOf(error);
    if (sentence !== "") io.err.write(`kato: ${printable(sentence)}\n`);
    return exitCode;
  }
}

/** An id of a command or of an ingestion that begins like an option: 16 bytes as base64url. */
const idLikeOption = /^-[\w-]{21}$/;

/** The arguments with such an id behind `--`, where nothing is taken for an option. What follows an option may be its value. */
function withIdsLast(args: readonly string[]): string[] {
  const isId = (arg: string, index: number) => idLikeOption.test(arg) && !args[index - 1]?.startsWith("-");
  const ids = args.filter(isId);
  return ids.length === 0 ? [...args] : [...args.filter((arg, index) => !isId(arg, index)), "--", ...ids];
}

/** The program with those commands that `args` may call; with all of them where they are "*". */
export async function programFor(args: readonly string[] | "*", io: Io): Promise<Command> {
  const paint = painter(io, io.out);
  const program = new Command("kato")
    .description("The command line of the KATO gateway")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text.replace(/^error: /, "kato: ")),
      getOutHelpWidth: () => Math.min(io.out.columns, 100),
      getErrHelpWidth: () => Math.min(io.err.columns, 100),
      getOutHasColors: () => paint("x", "bold") !== "x",
      getErrHasColors: () => false,
    })
    .option("--url <url>", "where the gateway is (KATO_URL)")
    .option("--key-file <file>", "the file with your key (or the key itself in KATO_KEY)")
    .option("--context <name>", "the gateway of this name, as `kato context ls` has it")
    .option("--ca <file>", "who signs the gateway's certificate, PEM")
    .option("--cert <file>", "your own certificate, PEM")
    .option("--cert-key <file>", "its key, PEM")
    .addOption(new Option("-o, --output <format>", "how data is printed").choices(formats).default("table"))
    .option("--utc", "times in UTC")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", "\ndocs/cli.md has the exit codes.");
  withExamples(program, "kato processors", "kato help observe");
  const isAll = args === "*" || args.includes("help");
  const loaded = new Set<Group>();
  for (const [name, { load }] of Object.entries(groups)) {
    if (isAll || args.includes(name)) loaded.add(await load());
  }
  for (const group of loaded) group.register(program, io);
  // The others are only listed.
  for (const [name, { summary }] of Object.entries(groups)) {
    const known =
      program.commands.find((each) => each.name() === name) ?? program.command(name).description(summary);
    known.summary(summary);
  }
  return program;
}
