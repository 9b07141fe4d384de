import type { Environment } from "../../libs/config/environment.ts";
import type { Declaration } from "../../libs/registry/declarations.ts";
import { processorsOfEnvironment, processorsOfFile } from "../../libs/registry/declarations.ts";
import type { CommonSettings } from "../../libs/service/common-settings.ts";
import { anyPort, commonSettings } from "../../libs/service/common-settings.ts";
import type { TracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import { tracingSettings } from "../../libs/telemetry/tracing-settings.ts";

/** What may wait for one processor before commands are refused. */
export interface QueueLimits {
  /** Commands that are not applied. */
  maxDepth: number;
  /** How long the oldest of them has waited; -1 for no limit. */
  maxAgeMs: number;
}

export interface GatewaySettings extends CommonSettings {
  host: string;
  port: number;
  /** Each id once: what the environment says of it wins over the file. */
  processors: Declaration[];
  queueLimits: QueueLimits;
  /** How long it goes on serving after it was told to stop, not ready any more. */
  stopGraceMs: number;
  /** How spans are recorded; undefined where they are not. */
  tracing: TracingSettings | undefined;
  /** The header in which a proxy that authenticates clients names them, in lower case. */
  principalHeader: string | undefined;
  /** A body that is not JSON is answered as the old front end did, with a 500 (docs/api.md). */
  legacyErrors: boolean;
}

/** Throws a SettingsError that names every wrong setting. */
export function gatewaySettings(environment: Environment): GatewaySettings {
  const settings = {
    ...commonSettings(environment),
    host: environment.text("GATEWAY_HOST", "0.0.0.0"),
    port: environment.integer("GATEWAY_PORT", 8000, anyPort),
    processors: declaredProcessors(environment),
    queueLimits: {
      maxDepth: environment.integer("QUEUE_MAX_DEPTH", 10_000_000, { min: 1, max: Number.MAX_SAFE_INTEGER }),
      maxAgeMs: environment.integer("QUEUE_MAX_AGE_MS", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
    },
    stopGraceMs: environment.integer("GATEWAY_STOP_GRACE_MS", 0, { min: 0, max: 600_000 }),
    tracing: tracingSettings(environment),
    principalHeader: environment.text("PRINCIPAL_HEADER", "").toLowerCase() || undefined,
    legacyErrors: environment.flag("GATEWAY_LEGACY_ERRORS"),
  };
  environment.check();
  return settings;
}

function declaredProcessors(environment: Environment): Declaration[] {
  const problem = (setting: string, what: string) => environment.problem(setting, what);
  const ofEnvironment = processorsOfEnvironment(environment.variables, problem);
  const named = new Set(ofEnvironment.map(({ id }) => id).filter((id) => id !== undefined));
  const ofFile = processorsOfFile(environment.fileProcessors, problem);
  return [...ofEnvironment, ...ofFile.filter(({ id }) => id === undefined || !named.has(id))];
}

/** Throws a SettingsError that names every setting whose endpoint may not be connected to. */
export async function checkEndpoints(
  environment: Environment,
  { processors, endpointPolicy }: GatewaySettings,
): Promise<void> {
  const refusals = await Promise.all(processors.map(({ grpc_endpoint }) => endpointPolicy(grpc_endpoint)));
  processors.forEach(({ setting }, index) => {
    const refusal = refusals[index];
    if (refusal !== undefined)
      environment.problem(setting, `names an endpoint that is not allowed: ${refusal}`);
  });
  environment.check();
}
