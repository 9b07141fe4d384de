import type { Environment } from "../../libs/config/environment.ts";
import { anyPort } from "../../libs/config/environment.ts";
import type { Faults } from "./crash-points.ts";
import { parseFaults } from "./crash-points.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifest } from "./manifest.ts";

/** The settings of a simulator; docs/operating.md, "Settings". */
export interface SimulatorSettings {
  host: string;
  /** 0: any free port. */
  port: number;
  manifest: Manifest;
  /** The folder for what KATO would keep in MongoDB. If undefined, it is kept in memory only. */
  dataFolder: string | undefined;
  /** How much longer each Observe and each Learn takes. */
  delayMs: number;
}

/** Throws a SettingsError that names every wrong setting. */
export function simulatorSettings(environment: Environment): SimulatorSettings & { faults: Faults } {
  const problem = (name: string) => (what: string) => environment.problem(name, what);
  const settings = {
    host: environment.host("HOST", "127.0.0.1"),
    port: environment.integer("PORT", 1441, anyPort),
    manifest: parseManifest(environment.text("MANIFEST", "{}"), problem("MANIFEST")),
    dataFolder: environment.text("SIMULATOR_DATA", "") || undefined,
    delayMs: environment.integer("SIMULATOR_DELAY_MS", 0, { min: 0, max: 3_600_000 }),
    faults: parseFaults(environment.list("SIMULATOR_FAULT", ""), problem("SIMULATOR_FAULT")),
  };
  environment.check();
  return settings;
}
