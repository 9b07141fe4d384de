import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import Fastify, { LogController } from "fastify";
import type { TlsFiles } from "../../libs/config/tls-files.ts";
import { hostOf } from "../../libs/registry/processor-entry.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { AccessSettings } from "./access/access-settings.ts";
import { openAccess } from "./access/access-settings.ts";
import type { Authenticator } from "./access/authenticate.ts";
import { refuseForeignPages } from "./access/browsers.ts";
import { controlAccess } from "./access/control-access.ts";
import type { TokenCheck } from "./access/json-web-tokens.ts";
import { keepAuditTrail } from "./access/keep-audit-trail.ts";
import type { RouteOptions } from "./fleet/backend.ts";
import { ifReached, refuseUnknownProcessors } from "./fleet/backend.ts";
import { noteMethods, refuseUnknownPaths } from "./http/allowed-methods.ts";
import { writeAnswers } from "./http/answers.ts";
import { readJsonBodies } from "./http/bodies.ts";
import { Connections, serverOptions } from "./http/connections.ts";
import { decodeBodies } from "./http/content-coding.ts";
import { allowOrigins } from "./http/cors.ts";
import { errorHandler } from "./http/error-handler.ts";
import { setSafetyHeaders } from "./http/headers.ts";
import { refuseUnknownFields } from "./http/known-fields.ts";
import { compileSchemasWhenUsed } from "./http/lazy-validation.ts";
import type { Limits } from "./http/limits.ts";
import { defaultLimits, limitReports } from "./http/limits.ts";
import { MemoryBudget } from "./http/memory-budget.ts";
import type { GatewayFacts } from "./http/metrics.ts";
import { createGatewayMetrics } from "./http/metrics.ts";
import { spreadPipelined } from "./http/pipelining.ts";
import { randomId } from "./http/random-id.ts";
import { shareBodies } from "./http/read-body.ts";
import { recordRequests } from "./http/request-log.ts";
import { serverWithTls } from "./http/tls.ts";
import { answerUnreadable, objectionToHead } from "./http/unreadable-requests.ts";
import { describeApi } from "./openapi/describe-api.ts";
import { allRoutes, namedSchemas } from "./routes/all.ts";

export interface AppOptions extends Pick<RouteOptions, "backend" | "stopping"> {
  /** A body that is not JSON becomes a 500, as in the old front end. */
  legacyErrors: boolean;
  log: FastifyBaseLogger;
  tracing: Tracing | undefined;
  /** Whether the metrics have latencies by processor; they have by default. */
  latencyByProcessor?: boolean;
  /** The files of its TLS; without them it listens without TLS. */
  tls?: TlsFiles | undefined;
  /** What clients may take. */
  limits?: Limits;
  /** Who may use the gateway; anybody by default. */
  access?: AccessSettings;
  /** Says whose a JSON Web Token is; undefined if none are accepted. */
  checkToken?: TokenCheck | undefined;
}

/** The REST front end. It does not listen yet. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { backend, stopping, legacyErrors, log, tracing, checkToken } = options;
  const { limits = defaultLimits, access = openAccess, tls, latencyByProcessor = true } = options;
  const onProblem = errorHandler({ legacyErrors, reasonOf: reasonsOf(backend) });
  const app = Fastify({
    loggerInstance: log,
    // recordRequests logs one line a request.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomId(),
    // A child of the logger for each request would cost as much as its line: lines name the request themselves.
    childLoggerFactory: (logger) => logger,
    requestIdHeader: false,
    bodyLimit: limits.bodyBytes,
    http: serverOptions(limits),
    ...(tls && serverWithTls(tls, limits, log)),
    connectionTimeout: limits.idleMs,
    routerOptions: { maxParamLength: 1_000 },
    // Fastify calls no hooks for a path that cannot be decoded.
    frameworkErrors: (error, request, reply) => {
      setSafetyHeaders(reply);
      onProblem(error, request, reply);
    },
  });
  compileSchemasWhenUsed(app);
  const metrics = createGatewayMetrics(factsOf(backend), latencyByProcessor);
  const reached = limitReports(log, metrics.limited);
  decodeBodies(app);
  readJsonBodies(app, { limits, reached });
  app.setErrorHandler(onProblem);
  const allowedMethods = noteMethods(app);
  allowOrigins(app, access.origins);
  refuseUnknownFields(app);
  const isOpen = access.methods.size === 0 && !access.proxy;
  describeApi(app, { named: namedSchemas, isOpen });
  recordRequests(app, { metrics, tracing });
  // This one takes over from Fastify what is done about a request that cannot be read, so it comes first.
  answerUnreadable(app, { metrics, log });
  spreadPipelined(app);
  new Connections(limits, reached).guard(app, tls !== undefined);
  shareBodies(app, new MemoryBudget(limits.bodiesBytes, "bodies", () => reached("bodies")));
  refuseForeignPages(app, access);
  const auth: Authenticator = { settings: access, keys: () => ifReached(backend)?.keys, checkToken };
  controlAccess(app, { ...auth, log });
  keepAuditTrail(app, { trail: () => ifReached(backend)?.auditTrail, log });
  refuseUnknownProcessors(app, backend);
  writeAnswers(app, new MemoryBudget(limits.answersBytes, "answers", () => reached("answers")));
  app.addHook("onRequest", ({ raw }, _reply, done) => done(objectionToHead(raw)));
  refuseUnknownPaths(app, allowedMethods);
  app.addHook("onSend", (_request, reply, _payload, done) => {
    setSafetyHeaders(reply);
    // Clients then open their next connection to another gateway, and this one can close.
    if (stopping.aborted) reply.header("connection", "close");
    done();
  });
  for (const routes of allRoutes)
    void app.register(routes, { backend, stopping, metrics, limits, reached, auth });
  return app;
}

/** Why an instance is away, without where it is: only /processors tells that. */
function reasonsOf(backend: RouteOptions["backend"]) {
  return (processor: string): string => {
    const { registry, states } = ifReached(backend) ?? {};
    const host = hostOf(registry?.get(processor)?.grpc_endpoint ?? "");
    const { reason = "", state } = states?.get(processor) ?? {};
    if (state !== "down") return "";
    return host === undefined ? reason : reason.replaceAll(`"${host}"`, "its host");
  };
}

/** What the metrics look up. Before NATS was first reached nothing is known. */
function factsOf(backend: RouteOptions["backend"]): GatewayFacts {
  return {
    isRegistered: (processor) =>
      processor !== "" && ifReached(backend)?.registry.get(processor) !== undefined,
    processors: () => {
      const { registry, states } = ifReached(backend) ?? {};
      const ids = registry?.list().map(({ id }) => id) ?? [];
      return { registered: ids.length, unowned: ids.filter((id) => states?.isUnowned(id)).length };
    },
    natsReconnects: () => ifReached(backend)?.nats.reconnects ?? 0,
    storage: () => ifReached(backend)?.room.store ?? {},
    clockSkewMs: () => ifReached(backend)?.storeTime.skewMs ?? 0,
  };
}
