import { join } from "node:path";
import { lastLine, run, say } from "./command.mjs";

const module = "github.com/nats-io/nats-server/v2@v2.14.0";

/** Builds it from the Go module, whose checksum Go itself verifies; Go 1.21 or newer fetches the toolchain it asks for. */
export async function buildWithGo(work) {
  if ((await run("go", ["version"])).code !== 0) return { failure: "there is no Go" };

  say(`builds ${module} with Go (a minute or two)`);
  // Go's caches would be some 300 MB outside the repository; writable, or they could not be removed.
  const env = {
    ...process.env,
    GOBIN: join(work, "bin"),
    GOPATH: join(work, "path"),
    GOCACHE: join(work, "cache"),
    GOFLAGS: "-modcacherw",
  };
  const { code, output } = await run("go", ["install", module], { cwd: work, env });
  return code === 0
    ? { binary: join(work, "bin", "nats-server") }
    : { failure: `Go failed (${lastLine(output)})` };
}
