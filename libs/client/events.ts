import { linesOf } from "./fetch.ts";
import { KatoError, unreachable } from "./kato-error.ts";
import type { Call, QueryOptions, Transport } from "./transport.ts";
import { pauseBefore, sleep } from "./transport.ts";
import type { Ingestion } from "./types/bulk.ts";
import type { LogPage } from "./types/gateway.ts";

/** The gateway sends something every 5 seconds. A connection on which nothing comes for longer is dead. */
const silentMs = 20_000;
/** How often in a row a connection may fail that has brought nothing. */
const maxFailures = 6;

interface ServerEvent {
  id: string;
  data: string;
}

/** Where events are, and with which query. */
type Source = Pick<Call, "path" | "query">;

/**
 * Yields how an ingestion stands, each time that it has changed, until it is done. It connects again when a connection
 * ends early, and tells the gateway what it has seen, so nothing is told twice.
 */
export function followIngestion(
  transport: Transport,
  path: string,
  options?: QueryOptions,
): AsyncGenerator<Ingestion> {
  return follow<Ingestion>(transport, { path }, ({ state }) => state === "done", options);
}

/**
 * Yields the commands of a log as they come, and each once more when it has another outcome, until the signal is
 * aborted. It connects again when a connection ends, and is told of the latest commands again then.
 */
export function followLog(
  transport: Transport,
  source: Source,
  options?: QueryOptions,
): AsyncGenerator<Pick<LogPage, "commands">> {
  return follow<Pick<LogPage, "commands">>(transport, source, () => false, options);
}

async function* follow<T>(
  transport: Transport,
  source: Source,
  isLast: (event: T) => boolean,
  options: QueryOptions = {},
): AsyncGenerator<T> {
  let seen = "";
  let failures = 0;
  for (;;) {
    try {
      for await (const { id, data } of eventsAt(transport, source, seen, options.signal)) {
        failures = 0;
        seen = id;
        const event: T = JSON.parse(data);
        yield event;
        if (isLast(event)) return;
      }
      throw broken("the gateway has ended the stream of events");
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof KatoError) || !error.retryable || ++failures > maxFailures) throw error;
      await sleep(pauseBefore(error, failures), options.signal);
    }
  }
}

function broken(detail: string): KatoError {
  return new KatoError(unreachable, { detail, effect: "none", retryable: true });
}

/** The events of one connection. It ends when the gateway ends it. */
async function* eventsAt(
  transport: Transport,
  source: Source,
  seen: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerEvent> {
  const ending = new AbortController();
  const giveUp = () => ending.abort(broken(`nothing has come for ${silentMs / 1_000} s`));
  let timer = setTimeout(giveUp, silentMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, silentMs);
  };
  try {
    const call: Call = {
      ...source,
      method: "GET",
      headers: { accept: "text/event-stream", "last-event-id": seen },
      repeatable: "always",
      endless: true,
      options: { signal: signal ? AbortSignal.any([signal, ending.signal]) : ending.signal },
    };
    const answer = await transport.open(call);
    const event: ServerEvent = { id: seen, data: "" };
    for await (const lines of transport.reading(linesOf(answer), call)) {
      heard();
      for (const line of lines) {
        if (line.startsWith("id:")) event.id = line.slice(3).trim();
        if (line.startsWith("data:")) event.data += line.slice(5).trim();
        if (line.trim() !== "" || event.data === "") continue;
        yield { ...event };
        event.data = "";
      }
    }
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
}
