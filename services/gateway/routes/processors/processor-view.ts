import { Type } from "typebox";
import type { CallLatency, ProcessorState } from "../../../../libs/commands/messages/processor-state.ts";
import type { ProcessorEntry } from "../../../../libs/registry/processor-entry.ts";
import type { Backend } from "../../fleet/backend.ts";
import { hasNumbers } from "../../fleet/processor-states.ts";
import { oneOf } from "../../http/schemas.ts";
import { exampleProcessor, exampleTime } from "../../openapi/examples.ts";
import { orNull, Text, Time, Whole } from "../../openapi/schemas.ts";

/** The schema of `processorView`, for the document. */
export const Processor = Type.Object({
  id: Text,
  name: Text,
  endpoint: Text,
  grpc_tls: Type.Boolean({ description: "Whether its instance is connected to with TLS" }),
  source: Type.String({ description: "What registered it" }),
  paused: Type.Boolean({ description: "Whether somebody has paused it, whatever its state is" }),
  paused_by: Type.Optional(
    Type.String({ description: "The backup that has paused it for a moment; absent if a person has" }),
  ),
  healthy: Type.Boolean({ description: "Whether its worker has found its instance there" }),
  state: oneOf(
    ["ready", "applying", "rebuilding", "down", "paused", "held", "unowned"],
    "docs/operating.md tells what each means and what to do",
  ),
  depth: orNull(Type.Integer({ description: "Commands that are not applied yet" })),
  applied: orNull(Type.Integer({ description: "The sequence up to which everything is applied" })),
  since: Type.Optional(Time),
  reason: Type.Optional(Type.String({ description: "Why it is down or held, or what takes so long" })),
  degraded: Type.Optional(Type.String({ description: "What could not be restored" })),
  foreign_observes: Type.Optional(
    Type.Object(
      { count: Whole, last: Time },
      {
        description:
          "Calls that changed working memory and came from elsewhere, and when the latest was noticed",
      },
    ),
  ),
  worker: Type.Optional(Text),
  last: Type.Optional(Type.Integer({ description: "The last sequence of the command log" })),
  oldest_seconds: orNull(
    Type.Number({ description: "How long the oldest command that is not applied stands in the log" }),
  ),
  rate: Type.Optional(Type.Number({ description: "Commands applied per second, lately" })),
  latency: Type.Optional(
    Type.Object(
      { p50_ms: Type.Number(), p95_ms: Type.Number(), p99_ms: Type.Number(), count: Whole },
      {
        description:
          "How long the calls of the commands took that were applied in the last five minutes, without the " +
          "waiting in the log; absent if there were none",
      },
    ),
  ),
  interval: Type.Optional(Whole),
});

export const exampleProcessorView = {
  id: exampleProcessor,
  name: "P1",
  endpoint: "kato-p1:1441",
  grpc_tls: false,
  source: "rest",
  paused: false,
  healthy: true,
  state: "ready",
  since: exampleTime,
  worker: "worker-1",
  last: 42,
  applied: 42,
  depth: 0,
  oldest_seconds: 0,
  rate: 0,
  latency: { p50_ms: 3.94, p95_ms: 9.8, p99_ms: 24.4, count: 42 },
  interval: 7,
};

/** A processor as operators see it (docs/api.md, The gateway). */
export function processorView({ states }: Backend, entry: ProcessorEntry) {
  const { id, name, grpc_endpoint: endpoint, source } = entry;
  const report = states.get(id);
  const { paused_by } = entry;
  const paused = { paused: entry.paused === true, ...(paused_by !== undefined && { paused_by }) };
  const registered = { id, name, endpoint, grpc_tls: entry.grpc_tls === true, source, ...paused };
  if (!report)
    return {
      ...registered,
      healthy: false,
      state: "unowned",
      depth: null,
      oldest_seconds: null,
      applied: null,
    };
  const { since, reason, worker, applied, interval, rate, degraded, foreign, latency, opening } = report;
  const { last, depth, oldestMs } = states.queue(id) ?? { last: report.last, depth: 0, oldestMs: 0 };
  const state = stateOf(report.state, entry.paused === true, depth);
  const known = {
    ...registered,
    healthy: state !== "down" && state !== "held" && opening === undefined,
    state,
    since: new Date(since).toISOString(),
    ...(reason !== "" && { reason }),
  };
  if (!hasNumbers(report)) return { ...known, depth: null, oldest_seconds: null, applied: null, worker };
  return {
    ...known,
    ...(degraded !== "" && { degraded }),
    ...(foreign && {
      foreign_observes: { count: foreign.ticks, last: new Date(foreign.lastMs).toISOString() },
    }),
    worker,
    last,
    applied,
    depth,
    oldest_seconds: Math.round(oldestMs / 100) / 10,
    rate,
    ...(latency && { latency: latencyView(latency) }),
    interval,
  };
}

function latencyView({ p50Ms, p95Ms, p99Ms, count }: CallLatency) {
  return { p50_ms: p50Ms, p95_ms: p95Ms, p99_ms: p99Ms, count };
}

type State = ProcessorState["state"];

/**
 * The state as it is shown: a report's, where it does not contradict what is known by now. A processor counts
 * as paused only once its worker has said so, because until then it may apply what comes.
 */
function stateOf(reported: State, isPaused: boolean, depth: number): State {
  const isPassed = reported === "paused" && !isPaused;
  if (!isPassed && reported !== "ready" && reported !== "applying") return reported;
  return depth > 0 ? "applying" : "ready";
}
