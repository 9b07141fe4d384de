import { setTimeout as sleep } from "node:timers/promises";
import type { Context, Link, SpanContext } from "@opentelemetry/api";
import {
  createTraceState,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import type { Sampler, SpanExporter } from "@opentelemetry/sdk-trace";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "./logger.ts";
import type { Span, SpanStart, Tracing } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/** How long `close` may take. */
const closeLimitMs = 2_000;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Records spans with OpenTelemetry's SDK, which sends them in batches. If it cannot send them, the log says
 * so.
 */
export function openTelemetryTracing(settings: TracingSettings, service: string, log: Logger): Tracing {
  const warn = (message: string, ...more: unknown[]) => log.warn({ more }, `OpenTelemetry: ${message}`);
  const ignore = () => {};
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN },
  );
  const fromEnvironment = detectResources({
    detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector],
  });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": service }))
      .merge(fromEnvironment),
    sampler: samplerOf(settings),
    spanProcessors: [processorOf(settings)],
  });
  const tracer = provider.getTracer("kato-gateway");
  return {
    begin({ name, kind, parent, isLinked = false, attributes }: SpanStart): Span {
      const from = parent && spanContextOf(parent);
      const links: Link[] = from && isLinked ? [{ context: from }] : [];
      const context: Context = from && !isLinked ? trace.setSpanContext(ROOT_CONTEXT, from) : ROOT_CONTEXT;
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes, links }, context);
      return {
        context: traceContextOf(span.spanContext()),
        end: ({ error, attributes: more }) => {
          if (more) span.setAttributes(more);
          if (error !== undefined) {
            span.setAttribute("error.type", error);
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
    close: async () => {
      const limit = sleep(closeLimitMs, undefined, { ref: false });
      await Promise.race([provider.shutdown().catch(ignore), limit]);
    },
  };
}

function processorOf({
  exporter,
  protocol,
  batch,
}: TracingSettings): BatchSpanProcessor | SimpleSpanProcessor {
  if (exporter === "console") return new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() });
  const otlp: SpanExporter = protocol === "http/json" ? new JsonExporter() : new ProtobufExporter();
  return new BatchSpanProcessor({ exporter: otlp, ...batch });
}

function samplerOf({ sampler, ratio }: TracingSettings): Sampler {
  const root = rootSamplerOf(sampler, ratio);
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

function rootSamplerOf(sampler: TracingSettings["sampler"], ratio: number): Sampler {
  if (sampler.endsWith("traceidratio")) return new TraceIdRatioBasedSampler(ratio);
  return sampler.endsWith("always_off") ? new AlwaysOffSampler() : new AlwaysOnSampler();
}

function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = "", spanId = "", flags = "00"] = traceparent.split("-");
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const tracestate = traceState?.serialize() ?? "";
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
    ...(tracestate !== "" && { tracestate }),
  };
}
