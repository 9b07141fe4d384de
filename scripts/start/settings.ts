import { resolve } from "node:path";
import { Environment } from "../../libs/config/environment.ts";

export interface StartSettings {
  gatewayHost: string;
  gatewayPort: number;
  /** A NATS to use; without it one is started. */
  natsUrl: string | undefined;
  natsServerBin: string;
  /** False where KATO_PROCESSORS or GATEWAY_CONFIG names instances to use. */
  simulators: boolean;
  dataDir: string;
  /** What is passed on to every process. */
  env: NodeJS.ProcessEnv;
}

/** Rejects with a SettingsError that names every wrong setting. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<StartSettings> {
  const environment = await Environment.read(env);
  const { fileProcessors } = environment;
  const settings = {
    gatewayHost: environment.text("GATEWAY_HOST", "127.0.0.1"),
    gatewayPort: environment.integer("GATEWAY_PORT", 8000, { min: 1, max: 65_535 }),
    natsUrl: environment.text("NATS_URL", "") || undefined,
    natsServerBin: environment.text("NATS_SERVER_BIN", "nats-server"),
    simulators: !env.KATO_PROCESSORS && !(Array.isArray(fileProcessors) && fileProcessors.length > 0),
    dataDir: resolve(environment.text("DATA_DIR", ".data")),
    env: { ...env, LOG_LEVEL: environment.text("LOG_LEVEL", "warn") },
  };
  environment.check();
  return settings;
}
