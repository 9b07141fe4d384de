import type { LogFacts } from "../../../libs/commands/log/log-identity.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import { adopted } from "../checkpoint/lost-commands.ts";
import { LeaseLost } from "../model/interruptions.ts";
import { heldBecause } from "./held-because.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";

const writeEveryMs = 100;

/** A checkpoint that this worker alone can write. */
export interface OpenedCheckpoint {
  checkpoint: CheckpointWriter;
  /** The checkpoint as the earlier worker has left it. */
  loaded: Checkpoint;
  /** What the log has said of itself; undefined if it was not asked. */
  log: LogFacts | undefined;
}

/**
 * Loads the processor's checkpoint and writes it once with this worker's name. From then on the earlier
 * worker cannot write it any more (A5). If the bucket has gone back to before what this worker has persisted
 * itself, what it has in memory counts. Throws LeaseLost if another worker writes first. Rejects if NATS does
 * not answer.
 */
export async function openCheckpoint(environment: ProcessorEnvironment): Promise<OpenedCheckpoint> {
  const { lease, stores, events, telemetry, clock, remembered } = environment;
  const found = await stores.checkpoints.load();
  remembered.hasGoneBack ||= hasGoneBack(environment, found);
  const known = remembered.hasGoneBack ? remembered.checkpoint?.current : found;
  const { loaded, log } = known ? { loaded: known, log: undefined } : await firstOrHeld(environment);
  const checkpoint = new CheckpointWriter({
    loaded,
    save: async (current) => {
      await stores.checkpoints.save(current);
      remembered.revision = stores.checkpoints.revision;
    },
    later: (task) => clock.after(writeEveryMs, task),
    onError: (error) => {
      telemetry.log.error({ err: error }, "cannot write the checkpoint");
      if (error instanceof LeaseLost) events.leaseLost();
    },
  });
  try {
    await checkpoint.persist({ epoch: lease.worker });
  } catch (error) {
    // Otherwise the writer would try again by itself, and overwrite what the next writer has written by then.
    checkpoint.close();
    throw error;
  }
  remembered.checkpoint = checkpoint;
  return { checkpoint, loaded, log };
}

/**
 * Whether NATS has gone back to before what this worker has persisted, or has no checkpoint at all any more. What
 * the worker has in memory is forgotten once another worker runs the processor. So then it is right.
 */
function hasGoneBack({ stores, remembered }: ProcessorEnvironment, found: Checkpoint | undefined): boolean {
  if (!remembered.checkpoint) return false;
  return found === undefined || (remembered.revision ?? 0) > stores.checkpoints.revision;
}

/**
 * The checkpoint where none is persisted, and what its log says of itself. A log that a worker has begun to apply had a
 * checkpoint, so that is lost. Nobody knows which of its commands the instance has. So nothing is applied until somebody
 * decides.
 */
async function firstOrHeld(
  environment: ProcessorEnvironment,
): Promise<Pick<OpenedCheckpoint, "loaded" | "log">> {
  const { processor, stores, clock, telemetry } = environment;
  const log = await stores.identity.look(processor, await stores.logs.ensure(processor));
  const { id, first, last, messages } = log;
  const isBegun = id !== undefined || first > 1;
  if (!isBegun) return { loaded: firstCheckpoint, log };
  if (messages === 0) return { loaded: { ...firstCheckpoint, ...adopted(firstCheckpoint, last) }, log };
  const reason = "its checkpoint is gone, so nobody knows which commands of its log are applied";
  const held = heldBecause(reason, last, { log: telemetry.log, clock });
  const begun = { applied: first - 1, replayFrom: { sequence: first, step: 0 }, held };
  return { loaded: { ...firstCheckpoint, ...begun }, log };
}
