import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Span, Tracing } from "../../../libs/telemetry/span.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { readTraceContext, traceIdOf } from "../../../libs/telemetry/trace-context.ts";
import type { GatewayMetrics } from "./metrics.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the log says became of the request: an error's code, or "okay". */
    outcome: string;
    /** The registered processor that it is of, "" for none. */
    processor: string;
    /** Where it stands in a trace, for whatever is done for it. */
    trace: TraceContext | undefined;
    /** The request's span, where spans are recorded. */
    span: Span | undefined;
    /** Whether it has its line already. */
    isTold: boolean;
  }
}

/**
 * Sees that every request has one line in the log, is counted, and has its place in a trace. Nothing of it is told but what is
 * named here: neither its headers nor its query nor its body (a key or what is observed may be a secret).
 */
export function watchRequests(
  app: FastifyInstance,
  { metrics, tracing }: { metrics: GatewayMetrics; tracing: Tracing | undefined },
): void {
  app.decorateRequest("outcome", "okay");
  app.decorateRequest("processor", "");
  app.decorateRequest("trace", undefined);
  app.decorateRequest("span", undefined);
  app.decorateRequest("isTold", false);
  const tellOnce = (request: FastifyRequest, reply: FastifyReply) => {
    if (request.isTold) return;
    request.isTold = true;
    tell(request, reply, metrics);
  };
  app.addHook("onRequest", (request, reply, done) => {
    request.trace = readTraceContext((name) => request.headers[name]);
    if (tracing) {
      request.span = tracing.begin({
        name: routeOf(request) || request.method,
        kind: "server",
        parent: request.trace,
        attributes: { "http.request.method": request.method, "http.route": request.routeOptions.url ?? "" },
      });
      request.trace = request.span.context;
    }
    // An answer that is broken off has no onResponse.
    reply.raw.once("close", () => {
      if (reply.raw.headersSent) tellOnce(request, reply);
    });
    done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    // Nor has one to a client that has gone before it.
    if (reply.raw.destroyed) tellOnce(request, reply);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    tellOnce(request, reply);
    done();
  });
}

function tell(request: FastifyRequest, reply: FastifyReply, metrics: GatewayMetrics): void {
  const { method, outcome, id, processor, trace, span } = request;
  const headers = reply.getHeaders();
  const [command, sequence] = [headers["kato-command"], headers["kato-sequence"]];
  const status = reply.statusCode;
  metrics.answered({ processor, method: routeOf(request), outcome, seconds: reply.elapsedTime / 1_000 });
  span?.end({
    // An error that is the client's own is none of this span's.
    error: status >= 500 ? outcome : undefined,
    attributes: {
      "http.response.status_code": status,
      "kato.outcome": outcome,
      ...(processor !== "" && { "kato.processor": processor }),
      ...(command !== undefined && { "kato.command": String(command) }),
      ...(sequence !== undefined && { "kato.sequence": Number(sequence) }),
    },
  });
  request.log.info(
    {
      request: id,
      ...(trace && { trace: traceIdOf(trace) }),
      method,
      path: request.url.split("?", 1)[0],
      status,
      outcome,
      ...(processor !== "" && { processor }),
      command,
      sequence,
      ...(!reply.raw.writableFinished && { client_gone: true }),
      ms: Math.round(reply.elapsedTime * 100) / 100,
    },
    "request",
  );
}

/** The route as a label, of which there are as many as routes: `POST /:id/observe`; "" where there is none. */
function routeOf({ method, routeOptions: { url } }: FastifyRequest): string {
  return url === undefined ? "" : `${method} ${url}`;
}
