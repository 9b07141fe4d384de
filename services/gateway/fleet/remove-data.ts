import { setTimeout as sleep } from "node:timers/promises";
import { processorOfStream } from "../../../libs/commands/messages/subjects.ts";
import { purgeKeys } from "../../../libs/nats/buckets.ts";
import { isStoreFull, isStreamNotFound } from "../../../libs/nats/errors.ts";
import type { Backend } from "./backend.ts";

/** How long the worker that runs the processor may take to leave it. */
const leavingLimitMs = 10_000;
const askEveryMs = 100;

/** The buckets that have keys of a processor, and the patterns of these keys. */
const keysOf = (processor: string) =>
  [
    ["checkpoints", processor],
    ["checkpoints", `${processor}.>`],
    ["outcomes", `${processor}.>`],
    ["ingestions", `${processor}.>`],
  ] as const;

/** The ids that have a command log, and are not registered, as of the last look at NATS's streams. */
export function unregistered({ streams, registry }: Backend): string[] {
  const ids = [...(streams.names ?? [])].flatMap((name) => processorOfStream(name) ?? []);
  return ids.filter((id) => registry.get(id) === undefined).sort();
}

/**
 * Removes a processor, if it is registered, and all that NATS keeps of it. A worker that runs it has left it
 * before anything is removed, so nothing is written afterwards. Rejects if NATS does not do something of it;
 * then it can be repeated.
 */
export async function removeWithData(backend: Backend, processor: string): Promise<void> {
  const { nats, registry, logs, stores, streams } = backend;
  try {
    await registry.remove(processor);
  } catch (error) {
    if (!isStoreFull(error)) throw error;
    // Removing a stream needs no room, and gives the room that the registry needs.
    await logs.remove(processor);
    await registry.remove(processor);
  }
  await untilLeft(backend, processor);
  await logs.remove(processor);
  for (const [bucket, keys] of keysOf(processor)) await purgeKeys(nats.connection, bucket, keys);
  await stores.deadLetters.removeAll(processor);
  await streams.look();
}

/** Resolves once no worker holds the processor's lease, or after a while. */
async function untilLeft({ stores }: Backend, processor: string): Promise<void> {
  const deadline = performance.now() + leavingLimitMs;
  while (performance.now() < deadline) {
    const lease = await stores.leases.get(processor).catch((error: unknown) => {
      // Without the bucket there are no leases.
      if (isStreamNotFound(error)) return null;
      throw error;
    });
    if (lease?.operation !== "PUT") return;
    await sleep(askEveryMs);
  }
}
