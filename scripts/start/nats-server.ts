import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const startTimeoutMs = 15_000;

/** Where a nats-server keeps its state, and on which port of 127.0.0.1 it listens; a free one by default. */
export interface NatsServerOptions {
  dir: string;
  port?: number;
  /** Lines to add to its configuration. */
  config?: string[];
  /** Lines to add to its configuration of JetStream. */
  jetstream?: string[];
}

/** Writes the configuration of a nats-server with JetStream into its folder and returns the arguments to start it with. */
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
 * What to add to a nats-server's environment. On a machine of two cores or fewer, shared with all the other parts, its
 * threads cost more in switching than they bring: with one, a synchronous call is answered a fifth sooner.
 */
export function natsServerEnv(): { GOMAXPROCS?: string } {
  return availableParallelism() <= 2 ? { GOMAXPROCS: process.env.GOMAXPROCS ?? "1" } : {};
}

/** The URL of the nats-server started in that folder, as soon as it accepts clients. */
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

/** Its name has the program's and the process id in it. */
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
    return undefined; // only half written yet
  }
}
