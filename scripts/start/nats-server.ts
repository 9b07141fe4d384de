import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isAtLeast } from "../../libs/nats/servers.ts";

const startTimeoutMs = 15_000;

/** Where a nats-server keeps its state, and on which port of 127.0.0.1 it listens. Default: a free port. */
export interface NatsServerOptions {
  dir: string;
  port?: number;
  /** Lines to add to its configuration. */
  config?: string[];
  /** Lines to add to its configuration of JetStream. */
  jetstream?: string[];
}

/**
 * Writes the configuration of a nats-server with JetStream into its folder. Returns the arguments to start it
 * with.
 */
export async function prepareNatsServer({
  dir,
  port = -1,
  config = [],
  jetstream = [],
}: NatsServerOptions): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  await removePortsFiles(dir);
  const file = join(dir, "nats.conf");
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    "max_payload: 8MB",
    `jetstream { ${[`store_dir: ${JSON.stringify(dir)}`, ...jetstream].join(", ")} }`,
    `ports_file_dir: ${JSON.stringify(dir)}`,
    ...config,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return ["-c", file];
}

/**
 * The line of its configuration with which this nats-server has every write on the disk before it acknowledges it;
 * none before 2.10, which knows no such thing.
 */
export async function syncedWrites(binary: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(binary, ["--version"]);
  const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? "";
  return isAtLeast(version, "2.10.0") ? ["sync_interval: always"] : [];
}

/**
 * What to add to a nats-server's environment. On a machine with two cores or fewer nats-server gets one
 * thread: switching between several costs more than they bring when all other parts run there too. With one
 * thread a synchronous call takes a fifth less time.
 */
export function natsServerEnv(): { GOMAXPROCS?: string } {
  return availableParallelism() <= 2 ? { GOMAXPROCS: process.env.GOMAXPROCS ?? "1" } : {};
}

/**
 * Resolves to the URL of the nats-server that was started in this folder, once it accepts clients. Rejects if
 * it has ended, or after 15 s.
 */
export async function natsServerUrl(dir: string, hasEnded: () => boolean): Promise<string> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && !hasEnded()) {
    const url = await readPortsFile(dir);
    if (url) return url;
    await sleep(20);
  }
  throw new Error(
    hasEnded() ? "nats-server ended at once" : `nats-server is not up after ${startTimeoutMs} ms`,
  );
}

/** The files in which nats-server has written its ports. Their names depend on the process id. */
async function portsFiles(dir: string): Promise<string[]> {
  const files = await readdir(dir);
  return files.filter((file) => file.endsWith(".ports")).map((file) => join(dir, file));
}

async function removePortsFiles(dir: string): Promise<void> {
  for (const file of await portsFiles(dir)) await rm(file);
}

async function readPortsFile(dir: string): Promise<string | undefined> {
  const [file] = await portsFiles(dir);
  if (file === undefined) return undefined;
  try {
    return JSON.parse(await readFile(file, "utf8")).nats[0];
  } catch {
    return undefined; // It is only half written yet.
  }
}
