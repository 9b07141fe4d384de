import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "node:util";
import { GatewayError } from "../../libs/errors/gateway-error.ts";
import type { ServiceContext } from "../../libs/service/run-service.ts";
import { runService } from "../../libs/service/run-service.ts";
import { startTracing } from "../../libs/telemetry/start-tracing.ts";
import { tokenCheck } from "./access/json-web-tokens.ts";
import { buildApp } from "./app.ts";
import type { Backend } from "./fleet/backend.ts";
import { withinOpenFiles } from "./http/open-files.ts";
import { closeBackend, openBackend } from "./open-backend.ts";
import { checkEndpoints, gatewaySettings } from "./settings.ts";

/** A gateway, until it is told to stop. */
export async function runGateway({ environment, log, stopping }: ServiceContext): Promise<void> {
  const settings = gatewaySettings(environment);
  await checkEndpoints(environment, settings);
  for (const setting of settings.doubtful) {
    log.warn({ setting }, "names no processor: that would be host:port or id:host:port, without http://");
  }
  const tracing = await startTracing(settings.tracing, "kato-gateway", log);
  let backend: Backend | undefined;
  const app = buildApp({
    log,
    stopping,
    tracing,
    legacyErrors: settings.legacyErrors,
    latencyByProcessor: settings.latencyByProcessor,
    tls: settings.tls,
    limits: withinOpenFiles(settings.limits, log),
    access: settings.access,
    checkToken: settings.access.jwt && (await tokenCheck(settings.access.jwt, log)),
    backend: () => {
      if (backend) return backend;
      throw new GatewayError("NATS_UNAVAILABLE", "NATS was not reached yet.", {
        effect: "none",
        retryAfterSeconds: 1,
      });
    },
  });
  // It listens before NATS is reached, so that probes get an answer.
  await app.listen({ host: settings.host, port: settings.port });
  const [listening] = app.addresses();
  const port = typeof listening === "object" ? listening.port : settings.port;
  backend = await openBackend({ ...settings, port }, log, stopping);
  await aborted(stopping, stopping);
  // A balancer needs this time to see at /ready that the gateway stops.
  await sleep(settings.stopGraceMs);
  await app.close();
  if (backend) await closeBackend(backend);
  await tracing?.close();
}

// Tests import it, and run it in their own process.
if (import.meta.main) await runService("gateway", runGateway);
