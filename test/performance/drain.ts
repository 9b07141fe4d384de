import type { Client } from "@grpc/grpc-js";
import type { Subscription } from "@nats-io/transport-node";
import { connect, createInbox, nuid } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { Command } from "../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../libs/kato/codec.ts";
import { callRaw, openClient } from "./grpc-call.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";
import type { Sides } from "./sides.ts";

const observes = 5_000;
const appendedAtOnce = 500;

const clear = encodeRequest("ClearWorkingMemory", {});
const observe = encodeRequest("Observe", { strings: ["alpha", "beta"], unique_id: "obs-0123456789abcdef" });

/** How fast one applier works off a log that is full, against a bare loop of the same calls. */
export async function serialDrain(sides: Sides): Promise<Figure[]> {
  const connection = await connect({ servers: sides.natsUrl });
  const client = openClient(sides.plainEndpoint);
  try {
    const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
    const inbox = createInbox();
    const rounds = await alternate(
      5,
      () => drain(sides, logs, { subject: inbox, replies: connection.subscribe(inbox) }),
      () => bareLoop(client),
    );
    return [figureOf({ name: "serial_drain", unit: "commands/s", goal: ">= 0.95" }, rounds, (rate) => rate)];
  } finally {
    client.close();
    await connection.close();
  }
}

/**
 * Fills the log while the worker stands still and takes the time from the first command's reply to the last
 * one's. The worker is stopped by SIGSTOP, so that its code stays compiled, as the baseline's does.
 */
async function drain(
  { worker, processors: [processor = ""] }: Sides,
  logs: CommandLogs,
  inbox: { subject: string; replies: Subscription },
): Promise<number> {
  const command = (method: string, data: Uint8Array, replyTo?: string): Command => ({
    ...{ id: nuid.next(), processor, method, data },
    ...(replyTo !== undefined && { replyTo }),
  });
  await worker.kill("SIGSTOP");
  await logs.append(command("ClearWorkingMemory", clear, inbox.subject));
  for (let left = observes - 1; left > 0; left -= appendedAtOnce) {
    const count = Math.min(left, appendedAtOnce);
    await Promise.all(Array.from({ length: count }, () => logs.append(command("Observe", observe))));
  }
  await logs.append(command("Observe", observe, inbox.subject));
  await worker.kill("SIGCONT");

  const times: number[] = [];
  for await (const _ of inbox.replies) {
    times.push(performance.now());
    if (times.length === 2) break;
  }
  const [first = 0, last = 0] = times;
  return (observes * 1_000) / (last - first);
}

async function bareLoop(client: Client): Promise<number> {
  await callRaw(client, "ClearWorkingMemory", clear);
  const startedAt = performance.now();
  for (let count = 0; count < observes; count++) await callRaw(client, "Observe", observe);
  return (observes * 1_000) / (performance.now() - startedAt);
}
