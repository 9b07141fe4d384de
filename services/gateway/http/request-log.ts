import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Span, Tracing } from "../../../libs/telemetry/span.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { readTraceContext, traceIdOf } from "../../../libs/telemetry/trace-context.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { probePaths } from "./probe-paths.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** How the request ended, for the log and the metrics: an error's code, or "okay". */
    outcome: string;
    /** The registered processor that the request names; "" for none. */
    processor: string;
    /** The trace that the request belongs to. Whatever is done for the request is a part of it. */
    trace: TraceContext | undefined;
    /** The request's span; undefined if spans are not recorded. */
    span: Span | undefined;
    /** Whether the request was logged and counted. */
    isRecorded: boolean;
  }
}

/**
 * Gives every request one line in the log, counts it, and gives it a place in a trace. A probe that succeeds has
 * its line at the level debug. The log gets only what `record` names: headers, the query string and the body may
 * hold secrets.
 */
export function recordRequests(
  app: FastifyInstance,
  { metrics, tracing }: { metrics: GatewayMetrics; tracing: Tracing | undefined },
): void {
  app.decorateRequest("outcome", "okay");
  app.decorateRequest("processor", "");
  app.decorateRequest("trace", undefined);
  app.decorateRequest("span", undefined);
  app.decorateRequest("isRecorded", false);
  const recordOnce = (request: FastifyRequest, reply: FastifyReply) => {
    if (request.isRecorded) return;
    request.isRecorded = true;
    record(request, reply, metrics);
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
    // Fastify calls no onResponse when the connection breaks in the middle of an answer.
    reply.raw.once("close", () => {
      if (reply.raw.headersSent) recordOnce(request, reply);
    });
    done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    // Nor does Fastify call it when the client has gone before the answer begins.
    if (reply.raw.destroyed) recordOnce(request, reply);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    recordOnce(request, reply);
    done();
  });
}

function record(request: FastifyRequest, reply: FastifyReply, metrics: GatewayMetrics): void {
  const { method, outcome, id, processor, trace, span } = request;
  const [command, sequence] = [reply.getHeader("kato-command"), reply.getHeader("kato-sequence")];
  const status = reply.statusCode;
  const path = shownPath(request);
  // Whoever watches the gateway asks all the time. That is worth a line once it fails.
  const level = probePaths.has(path) && outcome === "okay" && status < 400 ? "debug" : "info";
  metrics.answered({
    processor,
    method: routeOf(request),
    outcome,
    seconds: reply.elapsedTime / 1_000,
    isStream: [request.headers["content-type"], reply.getHeader("content-type")].some(isStreamed),
  });
  span?.end({
    // By OpenTelemetry's conventions a client's mistake is no error of the server's span.
    error: status >= 500 ? outcome : undefined,
    attributes: {
      "http.response.status_code": status,
      "kato.outcome": outcome,
      ...(processor !== "" && { "kato.processor": processor }),
      ...(command !== undefined && { "kato.command": String(command) }),
      ...(sequence !== undefined && { "kato.sequence": Number(sequence) }),
    },
  });
  request.log[level](
    {
      reqId: id,
      request: id,
      ...(trace && { trace: traceIdOf(trace) }),
      method,
      path,
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

/** A request's path as it may be shown: without the query string, and without a key that stands in it by mistake. */
export function shownPath({ url }: FastifyRequest): string {
  const [path = ""] = url.split("?", 1);
  return path.includes("kato_") ? path.replace(/(kato_[A-Za-z0-9]+_)[A-Za-z0-9_-]{20,}/g, "$1…") : path;
}

function isStreamed(contentType: unknown): boolean {
  return typeof contentType === "string" && /^(application\/x-ndjson|text\/event-stream)/.test(contentType);
}

/** The route as a metric's label, for example `POST /:id/observe`; "" where there is no such route. */
function routeOf({ method, routeOptions: { url } }: FastifyRequest): string {
  return url === undefined ? "" : `${method} ${url}`;
}
