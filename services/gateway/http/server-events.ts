import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";

/** How long a client waits before it connects again. */
const retryMs = 1_000;
/** Something is sent this often, so that both sides notice when the other one is gone. */
export const heartbeatMs = 5_000;

/** One event, or nothing but a sign of life. `id` is what the client sends as `Last-Event-ID` when it comes again. */
export type ServerEvent = { id: string; value: unknown } | undefined;

/** Aborted when the app begins to close: what has no end would keep it open. */
export function closingOf(app: Pick<FastifyInstance, "addHook">): AbortSignal {
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());
  return closing.signal;
}

/** Aborted once the client is gone, or with `closing`. */
export function goneWith(reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  reply.raw.on("close", () => gone.abort());
  return AbortSignal.any([closing, gone.signal]);
}

/** Answers with server-sent events, until there are no more. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<ServerEvent>): FastifyReply {
  return reply
    .type("text/event-stream")
    .header("cache-control", "no-store")
    .header("x-accel-buffering", "no")
    .send(Readable.from(textsOf(events)));
}

async function* textsOf(events: AsyncIterable<ServerEvent>): AsyncGenerator<string> {
  yield `retry: ${retryMs}\n\n`;
  for await (const event of events) {
    yield event ? `id: ${event.id}\ndata: ${JSON.stringify(event.value)}\n\n` : ": still here\n\n";
  }
}
