// `kato`: the command line (docs/cli.md). bin/kato starts it.
import { processVariables } from "../../libs/config/client-variables.ts";
import { run } from "./program.ts";
import { processIo } from "./terminal/io.ts";

const lingerMs = 200;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one is for a command that does not end by the first.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error("stopped"));
  });
}
const args = process.argv.slice(2);
const io = processIo(processVariables(), stopping.signal);
if (args[0] === "__complete") {
  const { complete } = await import("./complete.ts");
  await complete(args.slice(1), io);
} else {
  process.exitCode = await run(args, io);
  // A connection that is still being tried would keep the process alive.
  setTimeout(() => process.exit(), lingerMs).unref();
}
