import { setTimeout as sleep } from "node:timers/promises";
import { processorOfStream, removeSubject } from "../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { isNoResponders, isStoreFull } from "../../../libs/nats/errors.ts";
import type { Backend } from "./backend.ts";
import { notOwned } from "./errors.ts";

/** How long the worker that runs the processor may take to leave it. */
const leavingLimitMs = 10_000;
const askEveryMs = 100;
const answerLimitMs = 10_000;

/** The ids that have a command log, and are not registered, as of the last look at NATS's streams. */
export function unregistered({ streams, registry }: Backend): string[] {
  const ids = [...(streams.names ?? [])].flatMap((name) => processorOfStream(name) ?? []);
  return ids.filter((id) => registry.get(id) === undefined).sort();
}

/**
 * Removes a processor, if it is registered, and all that NATS keeps of it. Throws NOT_OWNED if no worker is
 * there to do it, and NATS_UNAVAILABLE if something of it fails. Then it can be repeated.
 */
export async function removeWithData(backend: Backend, processor: string): Promise<void> {
  const { registry, streams } = backend;
  try {
    await registry.remove(processor);
  } catch (error) {
    if (!isStoreFull(error)) throw error;
    // Removing the log gives the room that the registry needs.
    await haveRemoved(backend, processor);
    await registry.remove(processor);
  }
  await haveRemoved(backend, processor);
  // Otherwise it would be listed as unregistered for two seconds more.
  await streams.look().catch(() => {});
}

/** Has a worker remove the data, as soon as no worker runs the processor any more. */
async function haveRemoved({ nats }: Backend, processor: string): Promise<void> {
  const deadline = performance.now() + leavingLimitMs;
  for (;;) {
    const answer = await nats.connection
      .request(removeSubject(processor), "", { timeout: answerLimitMs })
      .then((message) => message.string())
      .catch((error: unknown) => {
        if (isNoResponders(error)) throw notOwned({ processor });
        throw error;
      });
    if (answer === "removed") return;
    if (answer === "failed" || performance.now() > deadline) {
      const why = answer === "failed" ? "The worker's log says why." : "A worker still runs the processor.";
      throw new GatewayError("NATS_UNAVAILABLE", `The data cannot be removed. ${why}`, {
        processor,
        retryAfterSeconds: 1,
      });
    }
    await sleep(askEveryMs);
  }
}
