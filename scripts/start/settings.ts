import { resolve } from "node:path";
import { Environment } from "../../libs/config/environment.ts";

export interface StartSettings {
  gatewayHost: string;
  gatewayPort: number;
  /** Whether the gateway listens with TLS. */
  gatewayTls: boolean;
  /** The NATS to use. If undefined, a nats-server is started. */
  natsUrl: string | undefined;
  natsServerBin: string;
  /** Whether to start simulators: not if KATO_PROCESSORS or GATEWAY_CONFIG names instances to use. */
  simulators: boolean;
  dataDir: string;
  /** The environment of every process that is started. */
  env: NodeJS.ProcessEnv;
}

/** Reads the settings. Rejects with a SettingsError that names every wrong one. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<StartSettings> {
  const environment = await Environment.read(env, "npm start");
  const { fileProcessors } = environment;
  const settings = {
    gatewayHost: environment.text("GATEWAY_HOST", "127.0.0.1"),
    gatewayPort: environment.integer("GATEWAY_PORT", 8000, { min: 1, max: 65_535 }),
    gatewayTls: environment.text("GATEWAY_TLS_CERT_FILE", "") !== "",
    natsUrl: environment.text("NATS_URL", "") || undefined,
    natsServerBin: environment.text("NATS_SERVER_BIN", "nats-server"),
    simulators: !env.KATO_PROCESSORS && !(Array.isArray(fileProcessors) && fileProcessors.length > 0),
    dataDir: resolve(environment.text("DATA_DIR", ".data")),
    env: { ...env, LOG_LEVEL: environment.text("LOG_LEVEL", "warn") },
  };
  environment.check();
  return settings;
}
