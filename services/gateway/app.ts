import { nuid } from "@nats-io/transport-node";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import Fastify, { LogController } from "fastify";
import { GatewayError } from "../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../libs/kato/channel.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { RouteOptions } from "./dispatch/run-command.ts";
import { readJsonBodies } from "./http/bodies.ts";
import type { GatewayFacts } from "./http/metrics.ts";
import { createGatewayMetrics } from "./http/metrics.ts";
import { notePrincipals } from "./http/principal.ts";
import { problemHandler } from "./http/problem.ts";
import { watchRequests } from "./http/request-log.ts";
import { describeApi } from "./openapi/openapi.ts";
import operating from "./routes/command-log/routes.ts";
import commands from "./routes/commands/routes.ts";
import deadLetters from "./routes/dead-letters/routes.ts";
import genes from "./routes/genes/routes.ts";
import genome from "./routes/genome/routes.ts";
import ingestions from "./routes/ingestions/routes.ts";
import processor from "./routes/instance/routes.ts";
import models from "./routes/models/routes.ts";
import observations from "./routes/observations/routes.ts";
import observeSequence from "./routes/observe-sequence/routes.ts";
import predictions from "./routes/predictions/routes.ts";
import probes from "./routes/probes/routes.ts";
import processors from "./routes/processors/list.ts";
import registration from "./routes/processors/registration.ts";
import rebuild from "./routes/rebuild/routes.ts";
import memory from "./routes/working-memory/routes.ts";

export interface AppOptions extends RouteOptions {
  /** Aborted when it is to be stopped: from then on it is not ready, and keeps no connection. */
  stopping: AbortSignal;
  legacyErrors: boolean;
  principalHeader: string | undefined;
  log: FastifyBaseLogger;
  tracing: Tracing | undefined;
}

/** JSON takes up to six bytes for one of the wire's (a control character as an escape). */
const bodyLimitBytes = 6 * maxMessageBytes;

/** The REST front end, not yet listening. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { backend, stopping, legacyErrors, principalHeader, log, tracing } = options;
  const onProblem = problemHandler({ legacyErrors });
  const app = Fastify({
    loggerInstance: log,
    // One line a request is enough, see watchRequests.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => nuid.next(),
    requestIdHeader: false,
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: 1_000 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: true, useDefaults: false } },
    frameworkErrors: onProblem,
  });
  readJsonBodies(app, bodyLimitBytes);
  app.setErrorHandler(onProblem);
  app.setNotFoundHandler((request) => {
    const path = request.url.split("?", 1)[0];
    throw new GatewayError("ROUTE_NOT_FOUND", `No ${request.method} ${path} here.`);
  });
  describeApi(app);
  const metrics = createGatewayMetrics(factsOf(backend));
  notePrincipals(app, principalHeader);
  watchRequests(app, { metrics, tracing });
  // A plugin, so that it is registered after the description, which then has it.
  void app.register(async (measured) => {
    measured.get("/metrics", async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.scrape());
    });
  });
  app.addHook("onSend", async (_request, reply) => {
    // Clients that keep their connections look for another gateway, and hold up no close.
    if (stopping.aborted) reply.header("connection", "close");
  });
  for (const routes of [
    probes,
    processors,
    genome,
    memory,
    predictions,
    genes,
    models,
    processor,
    commands,
    deadLetters,
    operating,
    rebuild,
    registration,
    observations,
    ingestions,
    observeSequence,
  ]) {
    void app.register(routes, { backend, stopping });
  }
  return app;
}

/** What the metrics ask; before NATS was reached for the first time nothing is known. */
function factsOf(backend: RouteOptions["backend"]): GatewayFacts {
  const known = () => {
    try {
      return backend();
    } catch {
      return undefined;
    }
  };
  return {
    isRegistered: (processor) => processor !== "" && known()?.registry.get(processor) !== undefined,
    processors: () => {
      const { registry, states } = known() ?? {};
      const ids = registry?.list().map(({ id }) => id) ?? [];
      return { registered: ids.length, unowned: ids.filter((id) => states?.isUnowned(id)).length };
    },
    natsReconnects: () => known()?.nats.reconnects ?? 0,
  };
}
