import { resolve } from "node:path";
import type { Command } from "commander";
import type { ConnectionFlags } from "../connection/connect.ts";
import { keyIn } from "../connection/connect.ts";
import { Contexts } from "../connection/contexts.ts";
import { printerFor } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

/** `kato context`: the gateways that one works with, by name. */
export function register(program: Command, io: Io): void {
  const group = withExamples(
    program.command("context").description("the gateways that you work with, by name"),
    "kato context ls",
  );

  withExamples(
    group
      .command("add <name>")
      .description("name a gateway, and use it: --url says where it is, --key-file what has its key")
      .action((name: string, _options, command: Command) => {
        const { url, keyFile, ca, cert, certKey } = command.optsWithGlobals<ConnectionFlags>();
        if (url === undefined) throw usage("say where the gateway is: --url http://host:8000");
        if (!URL.canParse(url))
          throw usage(`the gateway's address has to be as http://127.0.0.1:8000, not "${url}"`);
        const key = keyFile === undefined ? io.variables.KATO_KEY || undefined : keyIn(keyFile);
        const files = Object.entries({ ca, cert, certKey }).flatMap(([option, file]) =>
          file === undefined ? [] : [[option, resolve(file)]],
        );
        const contexts = new Contexts(io);
        contexts.put(name, { url, ...Object.fromEntries(files) }, key);
        printerFor(io, command).told(`${name} is used now`, { name, url, key: contexts.hasKey(name) });
      }),
    "kato context add local --url http://127.0.0.1:8000",
  );

  withExamples(
    group
      .command("ls")
      .description("list them")
      .action((_options, command: Command) => {
        const contexts = new Contexts(io);
        const rows = contexts.all.map(([name, { url }]) => ({
          name,
          url,
          key: contexts.hasKey(name),
          current: name === contexts.current,
        }));
        printerFor(io, command).list(rows, [
          { title: "", value: ({ current }) => (current ? "*" : " ") },
          { title: "NAME", value: ({ name }) => name },
          { title: "KEY", value: ({ key }) => (key ? "yes" : "no") },
          { title: "URL", value: ({ url }) => url },
        ]);
      }),
    "kato context ls",
  );

  withExamples(
    group
      .command("use <name>")
      .description("use this one from now on")
      .action((name: string, _options, command: Command) => {
        new Contexts(io).use(name);
        printerFor(io, command).told(`${name} is used now`, { name });
      }),
    "kato context use local",
  );

  withExamples(
    group
      .command("rm <name>")
      .description("forget one, with its key")
      .action((name: string, _options, command: Command) => {
        new Contexts(io).remove(name);
        printerFor(io, command).told(`${name} is forgotten`, { name });
      }),
    "kato context rm local",
  );
}
