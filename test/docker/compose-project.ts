import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../fixtures/free-port.ts";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const limitMs = 600_000;

/** Which compose file of which folder: that of this version, or of an older one. */
export interface Topology {
  folder: string;
  file: string;
  /** The tag of its images. */
  tag: string;
}
export const single: Topology = { folder: root, file: "docker-compose.yml", tag: "test" };
export const cluster: Topology = { folder: root, file: "deploy/docker-compose.cluster.yml", tag: "test" };

/** An installation of this test alone, as an operator has it: the compose files as they are, and a folder for files. */
export interface ComposeProject {
  url: string;
  /** Where backups and passwords are put. */
  folder: string;
  /** What would stand in `.env`. */
  settings: Record<string, string>;
  /** Gives a command to compose. Resolves to what it says on standard output; rejects where it fails. */
  compose(topology: Topology, ...args: string[]): Promise<string>;
  docker(...args: string[]): Promise<string>;
  /** Removes a volume. */
  removeVolume(name: string): Promise<void>;
  /** The name of a service's container. */
  containerOf(topology: Topology, service: string): Promise<string>;
  close(): Promise<void>;
}

/** The compose command that this machine has, or undefined. */
function composeCommand(): string[] | undefined {
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...args] = command;
    try {
      execFileSync(program, [...args, "version"], { stdio: "ignore" });
      return command;
    } catch {}
  }
  return undefined;
}

/** Why no compose file can be run here, or undefined. */
export const noCompose = composeCommand() ? undefined : "there is no docker compose";

/** An older version of this repository in a folder of its own, or undefined where git does not have it. */
export function olderVersion(commit: string, folder: string): Topology | undefined {
  mkdirSync(folder);
  try {
    const archive = execFileSync("git", ["archive", commit], {
      cwd: root,
      maxBuffer: 2 ** 28,
      stdio: "pipe",
    });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
  } catch {
    return undefined;
  }
  return { folder, file: "docker-compose.yml", tag: `test-${commit}` };
}

export async function composeProject(folder: string): Promise<ComposeProject> {
  const name = `kato-operator-${process.pid}`;
  const [program = "", ...first] = composeCommand() ?? [];
  const gatewayPort = await freePort();
  const subnet = "10.213.59.0/24";
  const settings: Record<string, string> = {
    GATEWAY_PORT: String(gatewayPort),
    NATS_MONITORING_PORT: String(await freePort()),
    KATO_SUBNET: subnet,
    LOG_LEVEL: "warn",
  };
  // The network has one name for the whole machine, where another installation may have it.
  const override = join(folder, "override.json");
  writeFileSync(
    override,
    JSON.stringify({
      version: "2.4",
      networks: { "kato-network": { name, ipam: { config: [{ subnet }] } } },
    }),
  );
  const topologies = new Set<Topology>();
  const compose = async (topology: Topology, ...args: string[]) => {
    topologies.add(topology);
    const files = [
      "--project-directory",
      topology.folder,
      "-p",
      name,
      "-f",
      join(topology.folder, topology.file),
    ];
    const env = { ...process.env, ...settings, IMAGE_TAG: topology.tag };
    const given = [...first, ...files, "-f", override, ...args];
    const { stdout } = await run(program, given, {
      cwd: topology.folder,
      env,
      timeout: limitMs,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  };
  const docker = async (...args: string[]) => (await run("docker", args, { timeout: limitMs })).stdout.trim();
  return {
    url: `http://127.0.0.1:${gatewayPort}`,
    folder,
    settings,
    compose,
    docker,
    removeVolume: async (volume) => void (await docker("volume", "rm", `${name}_${volume}`)),
    containerOf: async (topology, service) => (await compose(topology, "ps", "-q", service)).trim(),
    async close() {
      for (const topology of topologies) await compose(topology, "down", "-v", "-t", "5", "--remove-orphans");
    },
  };
}
