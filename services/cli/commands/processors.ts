import type { Command } from "commander";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { wholeNumber } from "../options/numbers.ts";
import { confirm } from "../terminal/ask.ts";
import { CliError, exitCodes, usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";
import { nearest } from "../terminal/near.ts";
import { processorColumns } from "./processor-columns.ts";

/** `kato processors`: the processors as operators see them. */
export function register(program: Command, io: Io): void {
  const group = withExamples(
    program
      .command("processors")
      .description("list the processors, and register, move, pause, rebuild or remove them")
      .usage("[command] [options]")
      .allowExcessArguments()
      .action(async (_options, command: Command) => {
        const [asked] = command.args;
        if (asked !== undefined) throw unknownCommand(command, asked);
        await list(sessionOf(io, command));
      }),
    "kato processors",
    "kato processors --output jsonl",
  );

  withExamples(
    group
      .command("ls")
      .description("list them")
      .action((_options, command: Command) => list(sessionOf(io, command))),
    "kato processors ls",
  );

  withExamples(
    group
      .command("get <processor>")
      .description("everything about one")
      .action(async (id: string, _options, command: Command) => {
        const { client, print } = sessionOf(io, command);
        print.one(await client.processors.get(id));
      }),
    "kato processors get p46b6b076c",
  );

  withExamples(
    group
      .command("add <processor> <endpoint>")
      .description("register one; the endpoint is host:port of its instance")
      .option("--name <name>", "what people call it")
      .action(async (id: string, endpoint: string, { name }: { name?: string }, command: Command) => {
        const session = sessionOf(io, command);
        if (await find(session, id)) {
          throw new CliError(
            exitCodes.refused,
            `${id} is registered already: kato processors move ${id} ${endpoint}`,
          );
        }
        show(session, [
          await session.client.processors.put(id, {
            grpc_endpoint: endpoint,
            ...(name !== undefined && { name }),
          }),
        ]);
      }),
    "kato processors add p1 127.0.0.1:1441 --name P1",
  );

  withExamples(
    group
      .command("move <processor> <endpoint>")
      .description("tell where its instance is now")
      .action(async (id: string, endpoint: string, _options, command: Command) => {
        const session = sessionOf(io, command);
        await session.client.processors.get(id);
        show(session, [await session.client.processors.put(id, { grpc_endpoint: endpoint })]);
      }),
    "kato processors move p1 127.0.0.1:1442",
  );

  for (const [name, description] of [
    ["pause", "stop applying; commands are still accepted"],
    ["resume", "go on applying"],
  ] as const) {
    withExamples(
      group
        .command(`${name} <processors...>`)
        .description(description)
        .action(async (ids: string[], _options, command: Command) => {
          const session = sessionOf(io, command);
          const changed: Processor[] = [];
          try {
            for (const id of ids) changed.push(await session.client.processors[name](id));
          } finally {
            if (changed.length > 0) show(session, changed);
          }
        }),
      `kato processors ${name} p46b6b076c`,
    );
  }

  withExamples(
    group
      .command("rm <processor>")
      .description("remove one; its command log stays, unless --data")
      .option("--force", "although commands are queued")
      .option("--data", "with its command log, its checkpoint and all records, for good")
      .option("-y, --yes", "do not ask")
      .action(
        async (
          id: string,
          { yes, ...what }: { force?: boolean; data?: boolean; yes?: boolean },
          command: Command,
        ) => {
          const { client, print } = sessionOf(io, command);
          const all = what.data ? " and everything that is kept of it, for good" : "";
          await confirm(io, `This removes ${id}${all}.`, yes);
          const removed = await client.processors.remove(id, what);
          print.told(`${id} is removed`, removed);
        },
      ),
    "kato processors rm p1 --yes",
  );

  withExamples(
    group
      .command("adopt <processor>")
      .description("of one that is held: its instance is right")
      .option("--applied <sequence>", "up to here; without it up to the log's end", wholeNumber)
      .option("-y, --yes", "do not ask")
      .action(async (id: string, { applied, yes }: { applied?: number; yes?: boolean }, command: Command) => {
        const { client, print } = sessionOf(io, command);
        await confirm(
          io,
          `This takes the instance of ${id} as it is, and says it has what the log has.`,
          yes,
        );
        print.one(await client.processors.adopt(id, applied === undefined ? {} : { applied }));
      }),
    "kato processors adopt p46b6b076c --yes || true    # only one that is held",
  );

  withExamples(
    group
      .command("rebuild <processor>")
      .description("give the instance what it lost; with --from, clear it and apply the log again")
      .option(
        "--from <sequence>",
        "clear the instance, models and all, and apply the kept log from here on",
        wholeNumber,
      )
      .option("--dry-run", "only tell what would be replayed")
      .option("-y, --yes", "do not ask")
      .action(
        async (
          id: string,
          { from, dryRun, yes }: { from?: number; dryRun?: boolean; yes?: boolean },
          command: Command,
        ) => {
          const { client, print } = sessionOf(io, command);
          if (from !== undefined && !dryRun) {
            await confirm(io, `This clears the instance of ${id} and replays its log from ${from} on.`, yes);
          }
          print.one(
            await client.processors.rebuild(id, {
              ...(from !== undefined && { from }),
              ...(dryRun && { dryRun }),
            }),
          );
        },
      ),
    "kato processors rebuild p46b6b076c --dry-run",
  );
}

/** Every page of the list. */
async function list(session: Session): Promise<void> {
  const { processors, unregistered } = await session.client.processors.list();
  show(session, processors);
  if (session.print.format === "table" && unregistered.length > 0) {
    session.io.err.write(
      `not registered any more, and NATS still has their logs: ${unregistered.join(", ")}\n`,
    );
  }
}

function show({ print }: Session, processors: readonly Processor[]): void {
  print.list(processors, processorColumns);
}

async function find({ client }: Session, id: string): Promise<Processor | undefined> {
  const { processors } = await client.processors.list({ from: id, limit: 1 });
  return processors.find((each) => each.id === id);
}

function unknownCommand(command: Command, asked: string): CliError {
  const near = nearest(
    asked,
    command.commands.map((each) => each.name()),
  );
  return usage(
    `unknown command '${asked}'${near ? ` (did you mean ${near}?)` : ""}: kato ${command.name()} --help`,
  );
}
