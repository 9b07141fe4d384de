import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { ProcessorEnvironment } from "./environment.ts";

const writeEveryMs = 100;

/**
 * Loads the processor's checkpoint and writes it once, with this worker's name: from then on whoever had it
 * before can write no more (A5). `loaded` is as that one has left it. Throws LeaseLost when somebody else
 * comes first, and rejects where NATS does not answer.
 */
export async function openCheckpoint(
  environment: ProcessorEnvironment,
): Promise<{ checkpoint: CheckpointWriter; loaded: Checkpoint }> {
  const { processor, lease, stores, events, telemetry, clock } = environment;
  await stores.logs.ensure(processor);
  const loaded = (await stores.checkpoints.load()) ?? firstCheckpoint;
  const checkpoint = new CheckpointWriter({
    loaded,
    save: (current) => stores.checkpoints.save(current),
    later: (task) => clock.after(writeEveryMs, task),
    onError: (error) => {
      telemetry.log.error({ err: error }, "cannot write the checkpoint");
      if (error instanceof LeaseLost) events.leaseLost();
    },
  });
  try {
    await checkpoint.persist({ epoch: lease.worker });
  } catch (error) {
    // It would try again by itself, and overwrite what the next writer has written by then.
    checkpoint.close();
    throw error;
  }
  return { checkpoint, loaded };
}
