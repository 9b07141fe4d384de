import type { Command } from "commander";
import { Option } from "commander";
import type { Grants, Key, Scope } from "../../../libs/client/types/gateway.ts";
import type { Session } from "../connection/session.ts";
import { sessionOf } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { timeToCome } from "../options/numbers.ts";
import { confirm } from "../terminal/ask.ts";
import type { Io } from "../terminal/io.ts";

const scopes: readonly Scope[] = ["read", "write", "operate", "admin", "discovery"];

interface MakeOptions {
  processors: string;
  scope: Scope;
  source?: NonNullable<Grants["source"]>;
  expires?: string;
}

/** `kato keys`: the keys of clients. */
export function register(program: Command, io: Io): void {
  const group = withExamples(
    program.command("keys").description("make, list, rotate and revoke the keys of clients"),
    "kato keys ls",
  );

  withExamples(
    group
      .command("ls")
      .description("list them, without their secrets")
      .action(async (_options, command: Command) => {
        const session = sessionOf(io, command);
        const keys: Key[] = [];
        let from: string | undefined;
        do {
          const page = await session.client.access.keys({ from, limit: 1_000 });
          keys.push(...page.keys);
          from = page.next;
        } while (from !== undefined);
        show(session, keys);
      }),
    "kato keys ls",
  );

  withExamples(
    group
      .command("add <name>")
      .description("make a key; it is printed this once, alone on stdout")
      .requiredOption("--processors <ids>", "ids, or beginnings followed by *, with commas between")
      .addOption(new Option("--scope <scope>", "what it may do").choices(scopes).makeOptionMandatory())
      .addOption(
        new Option("--source <source>", "with discovery: for whom").choices(["docker", "kubernetes"]),
      )
      .option("--expires <time>", "as 30d, or a time in ISO 8601; without it never", timeToCome)
      .action(async (name: string, { processors, scope, source, expires }: MakeOptions, command: Command) => {
        const { client, print } = sessionOf(io, command);
        const grants = { processors: processors.split(","), scope, ...(source && { source }) };
        const made = await client.access.makeKey({ name, grants, ...(expires && { expires_at: expires }) });
        if (print.format === "table") io.err.write(`${made.id} is made; this is shown once:\n`);
        print.told(made.key, made);
      }),
    "kato keys add ingest --processors 'p46*' --scope write --expires 30d",
  );

  withExamples(
    group
      .command("rotate <key>")
      .description("give a key a new secret; the one of before counts for a day")
      .option("--previous-expires <time>", "for how long, as 1h, or a time in ISO 8601", timeToCome)
      .action(async (id: string, { previousExpires }: { previousExpires?: string }, command: Command) => {
        const { client, print, time } = sessionOf(io, command);
        const rotated = await client.access.rotateKey(
          id,
          previousExpires === undefined ? {} : { previousExpiresAt: previousExpires },
        );
        if (print.format === "table") {
          io.err.write(
            `the secret of before counts until ${time(rotated.previous_expires_at)}; this is the new one:\n`,
          );
        }
        print.told(rotated.key, rotated);
      }),
    "kato keys rotate KEY",
  );

  withExamples(
    group
      .command("rm <key>")
      .description("revoke a key, and the logins that were made with it")
      .option("-y, --yes", "do not ask")
      .action(async (id: string, { yes }: { yes?: boolean }, command: Command) => {
        const { client, print } = sessionOf(io, command);
        await confirm(io, `This revokes the key ${id}.`, yes);
        print.told(`${id} is revoked`, await client.access.revokeKey(id));
      }),
    "kato keys rm KEY --yes",
  );

  withExamples(
    group
      .command("whoami")
      .description("who the gateway takes you for, and what you may do")
      .action(async (_options, command: Command) => {
        const { client, print } = sessionOf(io, command);
        const session = await client.access.session();
        const { principal, name, grants } = session;
        const { processors, scope } = grants;
        if (print.format !== "table") return print.one(session);
        print.one({ principal: principal || "anybody", name, processors: processors.join(", "), scope });
      }),
    "kato keys whoami",
  );
}

function show({ print, time }: Session, keys: readonly Key[]): void {
  print.list(keys, [
    { title: "ID", value: ({ id }) => id },
    { title: "NAME", value: ({ name }) => name },
    { title: "SCOPE", value: ({ grants }) => grants.scope },
    { title: "PROCESSORS", value: ({ grants }) => grants.processors.join(",") },
    { title: "EXPIRES", value: ({ expires_at }) => time(expires_at) },
    { title: "LAST USED", value: ({ last_used_at }) => time(last_used_at) },
    { title: "MADE", value: ({ created_at }) => time(created_at) },
  ]);
}
