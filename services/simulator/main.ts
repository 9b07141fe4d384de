import { aborted } from "node:util";
import type { ServiceContext } from "../../libs/service/run-service.ts";
import { runService } from "../../libs/service/run-service.ts";
import { countingFaults } from "./crash-points.ts";
import { startSimulator } from "./server.ts";
import { simulatorSettings } from "./settings.ts";

/** A simulated KATO, until it is told to stop. */
export async function runSimulator({ environment, log, stopping }: ServiceContext): Promise<void> {
  const settings = simulatorSettings(environment);
  const die = () => process.kill(process.pid, "SIGKILL");
  const simulator = await startSimulator(settings, countingFaults(settings.faults, die));
  log.info({ endpoint: simulator.endpoint, processor: simulator.processor }, "listening");
  await aborted(stopping, stopping);
  await simulator.stop();
}

// Tests import it, and run it in their own process.
if (import.meta.main) await runService("simulator", runSimulator);
