import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../fixtures/free-port.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { startProcess, startProgram } from "../../fixtures/processes.ts";
import { until } from "../../fixtures/until.ts";

/** The one setting of Restate that is not its default here: without it nothing is answered before it is synced. */
const withoutSync = { RESTATE_LOG_SERVER__ROCKSDB_DISABLE_WAL_FSYNC: "true" };

/** Where Restate is asked over HTTP, and the processes that it consists of. */
export interface Restate {
  port: number;
  pids: number[];
}

/**
 * Starts restate-server with an empty store, and the process that has the virtual objects of these processors.
 * Resolves once the server knows them. `stack` ends both.
 */
export async function startRestate(
  stack: AsyncDisposableStack,
  endpoints: Record<string, string>,
  isSynced: boolean,
): Promise<Restate> {
  const [objects, server] = await Promise.all([
    startObjects(stack, endpoints),
    startServer(stack, isSynced ? {} : withoutSync),
  ]);
  const send = sendTo(`http://127.0.0.1:${server.adminPort}`);
  await until("Restate knows the objects", async () => {
    const { status, text } = await send("POST", "/deployments", { uri: objects.url });
    if (status === 201) return true;
    throw new Error(`${status}: ${text}`);
  });
  return { port: server.port, pids: [server.pid, objects.pid] };
}

async function startObjects(stack: AsyncDisposableStack, endpoints: Record<string, string>) {
  const objects = await startProcess({
    name: "Restate's objects",
    file: resolve(import.meta.dirname, "restate-object.ts"),
    env: { PROCESSORS: JSON.stringify(endpoints), RESTATE_LOGGING: "ERROR", NODE_ENV: "production" },
    ready: /listening on/,
  });
  stack.defer(async () => void (await objects.stop()));
  return { pid: objects.pid, url: /listening on (\S+)/.exec(objects.output())?.[1] ?? "" };
}

async function startServer(stack: AsyncDisposableStack, settings: NodeJS.ProcessEnv) {
  const folder = await mkdtemp(join(tmpdir(), "kato-restate-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [port, adminPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  // The package's own command is a process of Node that starts this program and waits for it.
  const program = `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`;
  const server = startProgram({
    name: "restate-server",
    command: createRequire(import.meta.url).resolve(program),
    args: ["--no-logo", "--base-dir", folder],
    env: {
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: String(nodePort),
      RESTATE_INGRESS__BIND_PORT: String(port),
      RESTATE_ADMIN__BIND_PORT: String(adminPort),
      RESTATE_DISABLE_TELEMETRY: "true",
      DO_NOT_TRACK: "1",
      RUST_LOG: "error",
      ...settings,
    },
  });
  stack.defer(async () => void (await server.stop()));
  const [ingress, admin] = [sendTo(`http://127.0.0.1:${port}`), sendTo(`http://127.0.0.1:${adminPort}`)];
  await until("restate-server is ready", async () => {
    if (!server.isRunning()) throw new Error(`restate-server: ${await server.exited}\n${server.output()}`);
    const answers = await Promise.all([ingress("GET", "/restate/health"), admin("GET", "/health")]);
    return answers.every(({ status }) => status === 200);
  });
  return { pid: server.pid, port, adminPort };
}
