import type { Backend } from "./backend.ts";
import { withNats } from "./errors.ts";

/**
 * Whether NATS has lost a command that it had acknowledged, before any worker saw it: the log ends below its
 * sequence, and everything in the log is applied. Only a gateway can know that. NATS is asked only where the worker
 * has not seen the sequence. Rejects with NATS_UNAVAILABLE.
 */
export async function isGoneFromLog(backend: Backend, processor: string, sequence: number): Promise<boolean> {
  const report = backend.states.get(processor);
  if (!report || report.last >= sequence || report.applied < report.last) return false;
  return (await withNats(backend, processor, () => backend.logs.last(processor))) < sequence;
}
