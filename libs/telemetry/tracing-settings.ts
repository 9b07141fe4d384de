import type { Environment } from "../config/environment.ts";

/**
 * The settings of tracing, from OpenTelemetry's standard variables. Its SDK reads some more of them by
 * itself: where to send spans, with which headers, and the name of the service.
 */
export interface TracingSettings {
  exporter: "otlp" | "console";
  protocol: "http/protobuf" | "http/json";
  sampler: (typeof samplers)[number];
  /** The share of traces to record, from 0 to 1, for the samplers by ratio. */
  ratio: number;
  batch: {
    scheduledDelayMillis: number;
    exportTimeoutMillis: number;
    maxQueueSize: number;
    maxExportBatchSize: number;
  };
}

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

const endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;

/** Undefined if tracing is off: OTEL_SDK_DISABLED is set, or neither an exporter nor an endpoint is named. */
export function tracingSettings(environment: Environment): TracingSettings | undefined {
  const hasEndpoint = endpoints.some((name) => environment.text(name, "") !== "");
  const exporters = ["otlp", "console", "none"] as const;
  const exporter = environment.choice("OTEL_TRACES_EXPORTER", exporters, hasEndpoint ? "otlp" : "none");
  const isDisabled = environment.text("OTEL_SDK_DISABLED", "").toLowerCase() === "true";
  if (isDisabled || exporter === "none") return undefined;
  for (const name of endpoints) {
    const url = environment.text(name, "");
    if (url !== "" && !/^https?:\/\/./.test(url))
      environment.problem(name, "must be an http:// or https:// URL");
  }
  const protocols = ["http/protobuf", "http/json"] as const;
  const protocol = environment.choice("OTEL_EXPORTER_OTLP_PROTOCOL", protocols, "http/protobuf");
  const count = { min: 1, max: 1_000_000 };
  const maxQueueSize = environment.integer("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, count);
  return {
    exporter,
    protocol: environment.choice("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocols, protocol),
    sampler: environment.choice("OTEL_TRACES_SAMPLER", samplers, "parentbased_always_on"),
    ratio: environment.number("OTEL_TRACES_SAMPLER_ARG", 1, { min: 0, max: 1 }),
    batch: {
      scheduledDelayMillis: environment.integer("OTEL_BSP_SCHEDULE_DELAY", 5_000, count),
      exportTimeoutMillis: environment.integer("OTEL_BSP_EXPORT_TIMEOUT", 30_000, count),
      maxQueueSize,
      maxExportBatchSize: Math.min(
        environment.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, count),
        maxQueueSize,
      ),
    },
  };
}
