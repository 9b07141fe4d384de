import { join } from "node:path";
import { lastLine, run, say } from "./command.mjs";

/** The version that is wanted. */
export const pinnedVersion = "2.15.2";
const module = `github.com/nats-io/nats-server/v2@v${pinnedVersion}`;

/**
 * Builds nats-server from its Go module. Go itself verifies the module's checksum. Go 1.21 or newer also
 * fetches the toolchain that the module asks for.
 */
export async function buildWithGo(work) {
  if ((await run("go", ["version"])).code !== 0) return { failure: "there is no Go" };

  say(`builds ${module} with Go (a minute or two)`);
  // By default Go would leave some 300 MB of caches outside the repository. With `-modcacherw` the caches are
  // writable, so that they can be removed.
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
