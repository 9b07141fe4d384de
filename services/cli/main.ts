// `kato`: the command line (docs/cli.md). bin/kato starts it.
import { processVariables } from "../../libs/config/client-variables.ts";
import { run } from "./program.ts";
import { processIo } from "./terminal/io.ts";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one is for a command that does not end by the first.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error("stopped"));
  });
}
process.exitCode = await run(process.argv.slice(2), processIo(processVariables(), stopping.signal));
