import { aborted } from "node:util";
import { runService } from "../../libs/service/run-service.ts";
import { countingFaults } from "./crash-points.ts";
import { startSimulator } from "./server.ts";
import { simulatorSettings } from "./settings.ts";

/** Runs a simulated KATO as a process of its own. */
await runService("simulator", async ({ environment, log, stopping }) => {
  const settings = simulatorSettings(environment);
  const die = () => process.kill(process.pid, "SIGKILL");
  const simulator = await startSimulator(settings, countingFaults(settings.faults, die));
  log.info({ endpoint: simulator.endpoint, processor: simulator.processor }, "listening");
  await aborted(stopping, stopping);
  await simulator.stop();
});
