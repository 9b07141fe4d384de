// npm start: the whole system on this machine, until SIGTERM or SIGINT.
import { once } from "node:events";
import { Children } from "./start/children.ts";
import type { DataDirLock } from "./start/data-dir.ts";
import { lockDataDir } from "./start/data-dir.ts";
import { listenError } from "./start/free-ports.ts";
import type { StartSettings } from "./start/settings.ts";
import { readSettings } from "./start/settings.ts";
import { startSystem } from "./start/system.ts";
import { welcome } from "./start/welcome.ts";

const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stopping.abort());

function fail(message: string): void {
  console.error(`npm start: ${message}`);
  process.exitCode = 1;
  stopping.abort();
}

async function checkGatewayPort({ gatewayHost, gatewayPort }: StartSettings): Promise<void> {
  const error = await listenError(gatewayHost, gatewayPort);
  if (error === undefined) return;
  const reason = error === "EADDRINUSE" ? "is taken" : `cannot be used (${error})`;
  throw new Error(`port ${gatewayPort} on ${gatewayHost} ${reason}: set GATEWAY_PORT to another one`);
}

async function run(settings: StartSettings, lock: DataDirLock): Promise<void> {
  const children = new Children({
    signal: stopping.signal,
    print: console.log,
    onStarted: lock.add,
    onLost: (name, outcome) => fail(`${name} ended unexpectedly (${outcome}): stopping everything`),
  });
  try {
    await checkGatewayPort(settings);
    const system = await startSystem(settings, children, stopping.signal);
    console.log(welcome(system, settings.dataDir));
    if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  } catch (error) {
    // While everything stops, an error only shows that something was cut short.
    if (!stopping.signal.aborted) fail((error as Error).message);
  } finally {
    await children.stop();
  }
}

try {
  const settings = await readSettings(process.env);
  const lock = await lockDataDir(settings.dataDir, (line) => console.error(`npm start: ${line}`));
  await run(settings, lock).finally(lock.release);
} catch (error) {
  fail((error as Error).message);
}
