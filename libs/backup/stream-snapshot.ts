import { aborted } from "node:util";
import type { StreamConfig, StreamState } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import { inboxPrefixOf } from "../nats/inbox.ts";
import { requestApi } from "./jetstream-api.ts";

/** What JetStream says of a stream when it begins a snapshot, and what it needs again to restore it. */
export interface StreamDescription {
  config: StreamConfig;
  state: StreamState;
}

const chunkBytes = 128 * 1024;
const requestTimeoutMs = 30_000;
/** A snapshot that stands still for this long is given up. */
const silenceMs = 30_000;

/**
 * Takes JetStream's own snapshot of a stream, without its consumers, and hands it on in chunks, one at a time.
 * Messages may be stored meanwhile; those that come late may or may not be in it. nats-server 2.9 refuses to
 * remove any meanwhile.
 *
 * JetStream is not asked to check the messages first (`jsck`): where it finds a damaged one, it drops that and
 * all that follow it in the same block, so the backup would do harm (docs/decisions/0024).
 *
 * This is the protocol of $JS.API.STREAM.SNAPSHOT, which nats.js does not have: chunks come to a subject of
 * ours, each is acknowledged at the subject that it names, and an empty message ends them.
 */
export async function snapshotStream(
  connection: NatsConnection,
  stream: string,
  onChunk: (chunk: Uint8Array) => Promise<void>,
  stopping: AbortSignal,
): Promise<StreamDescription> {
  const deliver_subject = createInbox(inboxPrefixOf("backup"));
  const chunks = connection.subscribe(deliver_subject);
  const end = () => chunks.unsubscribe();
  let watchdog: NodeJS.Timeout | undefined;
  stopping.addEventListener("abort", end);
  try {
    const request = { deliver_subject, no_consumers: true, chunk_size: chunkBytes };
    const subject = `$JS.API.STREAM.SNAPSHOT.${stream}`;
    const description = requestApi<StreamDescription>(connection, subject, request, requestTimeoutMs);
    const { config, state } =
      (await Promise.race([description, aborted(stopping, chunks).then(() => undefined)])) ?? {};
    stopping.throwIfAborted();
    if (!config || !state) throw new Error(`the answer about a snapshot of ${stream} makes no sense`);
    watchdog = setTimeout(end, silenceMs);
    let received = 0;
    for await (const message of chunks) {
      watchdog.refresh();
      if (message.data.length === 0) {
        checkEnd(stream, message);
        return { config, state };
      }
      received++;
      checkOrder(stream, message, received);
      // NATS gives up after some seconds without an acknowledgement, and the disk may be slow.
      if (message.reply) message.respond();
      await onChunk(message.data);
    }
    stopping.throwIfAborted();
    throw new Error(`the snapshot of ${stream} stopped after ${received} chunks`);
  } finally {
    clearTimeout(watchdog);
    stopping.removeEventListener("abort", end);
    end();
  }
}

/** Throws if JetStream has ended the snapshot because something failed. nats-server 2.9 does not say. */
function checkEnd(stream: string, { headers }: Msg): void {
  if (headers && headers.code >= 300) {
    throw new Error(`the snapshot of ${stream} failed: ${headers.code} ${headers.description}`);
  }
}

/** The subject of an acknowledgement ends with the number of the chunk. The last chunk may have none. */
function checkOrder(stream: string, { reply }: Msg, expected: number): void {
  const number = reply?.split(".").at(-1);
  if (number !== undefined && number !== "" && Number(number) !== expected) {
    throw new Error(`the snapshot of ${stream} lacks chunk ${expected}`);
  }
}
