import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import type { World } from "./crash-schedules/world.ts";
import { OneProcessor, observe } from "./one-processor.ts";

/** A processor that has applied these, and whose worker has ended. */
export async function applied(history: readonly StoredCommand[]): Promise<World> {
  const processor = new OneProcessor(history);
  await processor.start();
  await processor.slot.stop();
  return processor.world;
}

/** Takes the log back to what it was after this sequence. */
export function goBack(world: World, sequence: number): void {
  world.log = world.log.filter((command) => command.sequence <= sequence);
  world.lastStored = sequence;
}

/** Another log is there instead, which is empty and has no id. */
export function makeAnew(world: World): void {
  goBack(world, 0);
  world.logId = undefined;
  world.logNumber++;
}

/** Stores commands under the next numbers, now. */
export function store(world: World, ...strings: string[]): void {
  for (const one of strings) world.store(observe(world.lastStored + 1, [one]));
}

export async function started(world: World): Promise<OneProcessor> {
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.until("it is ready or held", () => {
    const { state } = next.slot.state;
    return state === "ready" || state === "held";
  });
  return next;
}

export const codes = (checkpoint: Checkpoint | undefined) => checkpoint?.degradations.map(({ code }) => code);
