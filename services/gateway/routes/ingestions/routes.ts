import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "../../dispatch/run-command.ts";
import { targetOf } from "../../dispatch/run-command.ts";
import { fromNats } from "../../fleet/refusals.ts";
import { IngestionParams } from "../../http/schemas.ts";
import type { Backend } from "../../open-backend.ts";
import type { IngestionView } from "./ingestion-view.ts";
import { viewIngestion } from "./ingestion-view.ts";

const lookEveryMs = 250;
const heartbeatMs = 5_000;

/** What became of bulk requests. */
const ingestions: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const params = IngestionParams;
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  app.get("/:id/ingestions/:ingestion", { schema: { params } }, async (request) => {
    const { backend, processor } = targetOf({ options, request });
    return view(backend, processor, request.params.ingestion);
  });

  app.get("/:id/ingestions/:ingestion/events", { schema: { params } }, async (request, reply) => {
    const { backend, processor } = targetOf({ options, request });
    const look = () => view(backend, processor, request.params.ingestion);
    const first = await look();
    const seen = String(request.headers["last-event-id"] ?? "");
    // To a client that has seen the end, a 204 says not to come back.
    if (first.state === "done" && seen === eventIdOf(first)) return reply.code(204).send();
    const gone = new AbortController();
    reply.raw.on("close", () => gone.abort());
    const events = eventsOf(first, look, seen, AbortSignal.any([closing.signal, gone.signal]));
    return reply
      .type("text/event-stream")
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no")
      .send(Readable.from(events));
  });
};

/** As `viewIngestion`; throws NATS_UNAVAILABLE where NATS does not answer. */
function view(backend: Backend, processor: string, ingestion: string): Promise<IngestionView> {
  return fromNats(backend, processor, () => viewIngestion(backend, processor, ingestion));
}

/** An event for every change, comments while there is none, until it is done or the signal is aborted. */
async function* eventsOf(
  first: IngestionView,
  look: () => Promise<IngestionView>,
  lastSeen: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let seen = lastSeen;
  let saidAt = performance.now();
  yield `retry: ${4 * lookEveryMs}\n\n`;
  for (let view = first; ; view = await look().catch(() => view)) {
    const id = eventIdOf(view);
    if (id !== seen) {
      seen = id;
      saidAt = performance.now();
      yield `id: ${id}\ndata: ${JSON.stringify(view)}\n\n`;
    } else if (performance.now() - saidAt > heartbeatMs) {
      saidAt = performance.now();
      yield ": still here\n\n";
    }
    if (view.state === "done") return;
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}

/** The same for the same state of things, whichever gateway is asked. */
function eventIdOf({ state, accepted, applied, failed, unknown, learn = "" }: IngestionView): string {
  return [state, accepted, applied, failed, unknown, learn].join(".");
}

export default ingestions;
