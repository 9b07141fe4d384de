import type { ProcessorEntry } from "../../../../libs/registry/processor-entry.ts";
import type { Backend } from "../../open-backend.ts";

/** A processor as the operators see it (docs/api.md, The gateway). */
export function describeProcessor({ states }: Backend, entry: ProcessorEntry) {
  const { id, name, grpc_endpoint: endpoint, source } = entry;
  const report = states.get(id);
  const described = { id, name, endpoint, source, paused: entry.paused === true };
  if (!report)
    return {
      ...described,
      healthy: false,
      state: "unowned",
      depth: null,
      oldest_seconds: null,
      applied: null,
    };
  const { state, since, reason, worker, applied, interval, rate, degraded } = report;
  const { last, depth, oldestMs } = states.queue(id) ?? { last: report.last, depth: 0, oldestMs: 0 };
  return {
    ...described,
    healthy: state !== "down",
    state,
    since: new Date(since).toISOString(),
    ...(reason !== "" && { reason }),
    ...(degraded !== "" && { degraded }),
    worker,
    last,
    applied,
    depth,
    oldest_seconds: Math.round(oldestMs / 100) / 10,
    rate,
    interval,
  };
}
