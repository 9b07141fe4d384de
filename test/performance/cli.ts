import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startNats } from "../fixtures/nats-server.ts";
import { startGateway } from "../fixtures/services.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";

const kato = resolve(import.meta.dirname, "../../bin/kato");
const lines = 200_000;

/**
 * How long `kato processors` takes beside Node's own start; and `kato ingest` beside curl, for the same lines. Nothing is
 * applied meanwhile: there is no worker.
 */
export async function commandLine(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  // Never called.
  const KATO_PROCESSORS = JSON.stringify({ p1: "127.0.0.1:9" });
  const gateway = stack.use(await startGateway({ natsUrl: nats.url, env: { KATO_PROCESSORS } }));
  const folder = mkdtempSync(join(tmpdir(), "kato-bench-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "lines.ndjson");
  writeFileSync(file, Array.from({ length: lines }, (_, at) => `{"strings": ["n${at}"]}\n`).join(""));
  const env = {
    ...process.env,
    KATO_URL: gateway.url,
    HOME: folder,
    XDG_STATE_HOME: folder,
    XDG_CONFIG_HOME: folder,
  };
  const timed =
    (command: string, ...args: string[]) =>
    async () => {
      const startedAt = performance.now();
      const [code] = await once(spawn(command, args, { env, stdio: "ignore" }), "close");
      if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${code}`);
      return performance.now() - startedAt;
    };
  const started = await alternate(15, timed(kato, "processors"), timed(process.execPath, "-e", "0"));
  const type = "Content-Type: application/x-ndjson";
  const url = `${gateway.url}/p1/observations`;
  const ingested = await alternate(
    3,
    timed(kato, "ingest", "p1", file, "--async"),
    timed("curl", "-sf", "-X", "POST", "-T", file, "-H", type, url),
  );
  return [
    figureOf({ name: "cli_start", unit: "ms", goal: "60 ms more at most" }, started, (ms) => ms),
    figureOf({ name: "cli_ingest", unit: "ms", goal: "<= 1.1" }, ingested, (ms) => ms),
  ];
}
