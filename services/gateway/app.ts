import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import Fastify, { LogController } from "fastify";
import { GatewayError } from "../../libs/errors/gateway-error.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { RouteOptions } from "./fleet/backend.ts";
import { refuseUnknownProcessors } from "./fleet/backend.ts";
import { writeAnswers } from "./http/answers.ts";
import { readJsonBodies } from "./http/bodies.ts";
import { Connections, serverOptions } from "./http/connections.ts";
import { errorHandler } from "./http/error-handler.ts";
import type { Limits } from "./http/limits.ts";
import { defaultLimits, limitReports } from "./http/limits.ts";
import { MemoryBudget } from "./http/memory-budget.ts";
import type { GatewayFacts } from "./http/metrics.ts";
import { createGatewayMetrics } from "./http/metrics.ts";
import { readPrincipals } from "./http/principal.ts";
import { randomId } from "./http/random-id.ts";
import { shareBodies } from "./http/read-body.ts";
import { recordRequests } from "./http/request-log.ts";
import { describeApi } from "./openapi/describe-api.ts";
import { allRoutes, namedSchemas } from "./routes/all.ts";

export interface AppOptions extends Pick<RouteOptions, "backend" | "stopping"> {
  /** A body that is not JSON becomes a 500, as in the old front end. */
  legacyErrors: boolean;
  /** The header in which an authenticating proxy names the client, in lower case. */
  principalHeader: string | undefined;
  log: FastifyBaseLogger;
  tracing: Tracing | undefined;
  /** What clients may take. */
  limits?: Limits;
}

/** The REST front end. It does not listen yet. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { backend, stopping, legacyErrors, principalHeader, log, tracing } = options;
  const { limits = defaultLimits } = options;
  const onProblem = errorHandler({ legacyErrors });
  const app = Fastify({
    loggerInstance: log,
    // recordRequests logs one line a request.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomId(),
    requestIdHeader: false,
    bodyLimit: limits.bodyBytes,
    http: serverOptions(limits),
    connectionTimeout: limits.idleMs,
    routerOptions: { maxParamLength: 1_000 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: true, useDefaults: false } },
    frameworkErrors: onProblem,
  });
  const metrics = createGatewayMetrics(factsOf(backend));
  const reached = limitReports(log, metrics.limited);
  readJsonBodies(app, limits, reached);
  app.setErrorHandler(onProblem);
  app.setNotFoundHandler((request) => {
    const path = request.url.split("?", 1)[0];
    throw new GatewayError("ROUTE_NOT_FOUND", `No ${request.method} ${path} here.`);
  });
  describeApi(app, namedSchemas);
  readPrincipals(app, principalHeader);
  recordRequests(app, { metrics, tracing });
  new Connections(limits, reached).guard(app);
  shareBodies(app, new MemoryBudget(limits.bodiesBytes, "bodies", () => reached("bodies")));
  refuseUnknownProcessors(app, backend);
  writeAnswers(app, new MemoryBudget(limits.answersBytes, "answers", () => reached("answers")));
  app.addHook("onSend", async (_request, reply) => {
    // Clients then open their next connection to another gateway, and this one can close.
    if (stopping.aborted) reply.header("connection", "close");
  });
  for (const routes of allRoutes) void app.register(routes, { backend, stopping, metrics, limits });
  return app;
}

/** What the metrics look up. Before NATS was first reached nothing is known. */
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
    storage: () => known()?.room.store ?? {},
  };
}
