import { join, resolve } from "node:path";
import type { Children } from "./children.ts";
import { freePorts } from "./free-ports.ts";
import { natsServerEnv, natsServerUrl, prepareNatsServer, syncedWrites } from "./nats-server.ts";
import type { ProcessorView } from "./ready.ts";
import { waitForGateway, waitForProcessors } from "./ready.ts";
import type { StartSettings } from "./settings.ts";

const services = resolve(import.meta.dirname, "../../services");

const simulated = [
  { id: "p46b6b076c", name: "P1" },
  { id: "pd5d9e6c4c", name: "P2" },
  { id: "p847675347", name: "P3" },
];

/** The system that was started, as far as `npm start` tells of it. */
export interface RunningSystem {
  baseUrl: string;
  workerUrl: string;
  natsUrl: string;
  processors: ProcessorView[];
}

/**
 * Starts everything, beginning with what the others need. Resolves once the gateway and the processors are
 * ready. If a process ends meanwhile, `children` notices it, and `signal` is aborted.
 */
export async function startSystem(
  settings: StartSettings,
  children: Children,
  signal: AbortSignal,
): Promise<RunningSystem> {
  const natsUrl = settings.natsUrl ?? (await startNatsServer(settings, children, signal));
  const simulators = settings.simulators ? await startSimulators(settings, children) : undefined;
  const env: NodeJS.ProcessEnv = { ...settings.env, NATS_URL: natsUrl };

  startService("gateway", children, {
    ...env,
    GATEWAY_HOST: settings.gatewayHost,
    GATEWAY_PORT: String(settings.gatewayPort),
    KATO_PROCESSORS: simulators ? JSON.stringify(simulators) : env.KATO_PROCESSORS,
  });
  const scheme = settings.gatewayTls ? "https" : "http";
  const baseUrl = `${scheme}://${reachableHost(settings.gatewayHost)}:${settings.gatewayPort}`;
  // The worker is started after this. Until then the registry may still have the endpoints of the last `npm
  // start`.
  await waitForGateway(baseUrl, signal);

  const [workerPort] = await freePorts(1);
  startService("worker", children, { ...env, WORKER_HOST: "127.0.0.1", WORKER_PORT: String(workerPort) });
  const workerUrl = `http://127.0.0.1:${workerPort}`;
  return { baseUrl, workerUrl, natsUrl, processors: await waitForProcessors(baseUrl, signal) };
}

/** Resolves to its URL once it accepts clients. */
async function startNatsServer(
  settings: StartSettings,
  children: Children,
  signal: AbortSignal,
): Promise<string> {
  const dir = join(settings.dataDir, "nats");
  const isVerbose = ["info", "debug", "trace"].includes(settings.env.LOG_LEVEL ?? "");
  const child = children.start({
    group: "nats-server",
    name: "nats-server",
    command: settings.natsServerBin,
    args: await prepareNatsServer({ dir, jetstream: await syncedWrites(settings.natsServerBin) }),
    env: { ...settings.env, ...natsServerEnv() },
    filter: (line) => isVerbose || !line.includes("[INF]"),
  });
  return natsServerUrl(dir, () => signal.aborted || !child.isRunning());
}

/** Returns the simulated processors in the form of KATO_PROCESSORS. */
async function startSimulators(settings: StartSettings, children: Children): Promise<object[]> {
  const ports = await freePorts(simulated.length);
  return simulated.map(({ id, name }, index) => {
    children.start({
      group: "simulators",
      name,
      command: process.execPath,
      args: [join(services, "simulator/main.ts")],
      env: {
        ...settings.env,
        HOST: "127.0.0.1",
        PORT: String(ports[index]),
        MANIFEST: JSON.stringify({ id, name }),
        SIMULATOR_DATA: join(settings.dataDir, "simulator", id),
      },
    });
    return { id, name, grpc_endpoint: `127.0.0.1:${ports[index]}` };
  });
}

function startService(name: "worker" | "gateway", children: Children, env: NodeJS.ProcessEnv): void {
  // The service gets the flags of Node that scripts/run has given to this process.
  const args = [...process.execArgv, join(services, name, "main.ts")];
  children.start({ group: name, name, command: process.execPath, args, env });
}

function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
