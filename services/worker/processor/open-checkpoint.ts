import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { ProcessorEnvironment } from "./environment.ts";

const writeEveryMs = 100;

/**
 * Loads the processor's checkpoint and writes it once, with this worker's name: from then on whoever had it before can write
 * no more (A5). Throws LeaseLost when somebody else comes first, and rejects where NATS does not answer.
 */
export async function openCheckpoint(environment: ProcessorEnvironment): Promise<CheckpointWriter> {
  const { processor, lease, stores, events, telemetry, clock } = environment;
  await stores.logs.ensure(processor);
  const writer = new CheckpointWriter({
    loaded: (await stores.checkpoints.load()) ?? firstCheckpoint,
    save: (checkpoint) => stores.checkpoints.save(checkpoint),
    later: (task) => clock.after(writeEveryMs, task),
    onError: (error) => {
      telemetry.log.error({ err: error }, "cannot write the checkpoint");
      if (error instanceof LeaseLost) events.leaseLost();
    },
  });
  try {
    await writer.persist({ epoch: lease.worker });
  } catch (error) {
    // It would try again by itself, and overwrite what the next writer has written by then.
    writer.close();
    throw error;
  }
  return writer;
}
