import { lostBefore } from "../checkpoint/log-gaps.ts";
import type { MissingCommands } from "../checkpoint/lost-commands.ts";
import { passedLost } from "../checkpoint/lost-commands.ts";
import { retryMs } from "./instance-supervisor.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";
import type { ProcessorParts } from "./processor-parts.ts";

/** Passes commands that the log has lost, and tells it. It is certain that the instance does not have them. */
export async function passLost(
  { processor, telemetry }: ProcessorEnvironment,
  { context, gate }: ProcessorParts,
  lost: MissingCommands,
): Promise<void> {
  const { checkpoint, log } = context;
  const count = lost.through - lost.from + 1;
  log.error({ ...lost, count }, "commands were lost from the log before they were applied");
  telemetry.metrics.lost({ processor, count });
  gate.lost(lost);
  await checkpoint.persist(passedLost(checkpoint.current, lost));
}

/**
 * Passes commands that are gone from the end of the log, where no command follows that would show it. Only an instance
 * that is there shows that it does not have them: while it is away, `lookAgain` is called in a while.
 */
export async function passLostAtEnd(
  environment: ProcessorEnvironment,
  parts: ProcessorParts,
  lookAgain: () => void,
): Promise<void> {
  const { processor, stores, clock } = environment;
  const { checkpoint } = parts.context;
  const last = await stores.logs.last(processor);
  const { applied } = checkpoint.current;
  // It is asked for the end first. So what comes in between is no loss.
  if (applied >= last || (await stores.logs.next(processor, applied + 1)) <= last) return;
  const isPassed = await parts.supervisor.withInstance(async () => {
    const lost = lostBefore(checkpoint.current, last + 1);
    if (lost) await passLost(environment, parts, lost);
    return true;
  });
  if (!isPassed) clock.after(retryMs, lookAgain);
}
