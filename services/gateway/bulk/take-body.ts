import type { Readable } from "node:stream";
import { lineCommandId } from "../../../libs/commands/outcomes/ingestion-lines.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { http } from "../../../libs/service/serve-http.ts";
import type { Share } from "../http/memory-budget.ts";
import { brokenOff } from "../http/read-body.ts";
import { Turns } from "../http/turns.ts";
import type { Intake } from "./intake.ts";
import type { Line } from "./ndjson.ts";
import { linesOf } from "./ndjson.ts";
import type { ObservationCheck } from "./observation-line.ts";
import { observeRequest, parseLine } from "./observation-line.ts";
import type { ReceiptStream } from "./receipts.ts";

/** The body of a bulk request: a stream of NDJSON, or a list from JSON. */
export type BulkBody = Readable | unknown[];

export interface TakeBodyOptions {
  check: ObservationCheck;
  learnAtEnd: boolean;
  /** Aborted when the gateway stops. A stream is then read no further. */
  signal: AbortSignal;
  /** Receipts that the client must have read before more of a stream is read. */
  receipts: ReceiptStream | undefined;
  /** The longest line of a stream. */
  lineBytes: number;
  /** What the request has of the memory for bodies; undefined if it has no body. */
  share: Share | undefined;
}

/**
 * Takes a whole body in and closes the intake. Throws the error for the client, with what was stored until
 * then.
 */
export async function takeBody(intake: Intake, body: BulkBody, options: TakeBodyOptions): Promise<void> {
  try {
    if (Array.isArray(body)) await takeList(intake, body, options);
    else await takeStream(intake, body, options);
    await intake.finish(options.learnAtEnd);
  } catch (error) {
    // The rest is read and dropped, because a client that is still sending would not read the answer.
    if (!Array.isArray(body)) body.resume();
    const isRefusal = error instanceof GatewayError && error.code === "INVALID_INPUT";
    throw await intake.abandon(orBrokenOff(error, body), isRefusal ? "stopped" : "interrupted");
  } finally {
    await intake.close();
  }
}

async function takeList(intake: Intake, items: unknown[], { check }: TakeBodyOptions): Promise<void> {
  const turns = new Turns();
  for (const [index, value] of items.entries()) {
    await takeOne(intake, { number: index + 1, value }, check);
    if (turns.isOver) await turns.next();
  }
}

async function takeStream(
  intake: Intake,
  body: Readable,
  { check, signal, receipts, lineBytes, share }: TakeBodyOptions,
): Promise<void> {
  const turns = new Turns();
  const chunks = untilAborted<Buffer>(body.iterator({ destroyOnReturn: false }), signal, stopping);
  for await (const lines of linesOf(chunks, lineBytes, share?.resize)) {
    for (const line of lines) {
      const wait = takeOne(intake, line, check);
      if (wait) await wait;
      if (turns.isOver) await turns.next();
    }
    if (receipts) await receipts.drained();
  }
}

/** A line of a stream, or an item of a list. Both count from 1. */
type Item = Line | { number: number; value: unknown };

/** Takes one observation, or refuses it. Returns a promise if the next one has to wait. */
function takeOne(intake: Intake, item: Item, check: ObservationCheck): Promise<void> | undefined {
  let data: Buffer;
  try {
    const value = readItem(item);
    if (value === undefined) {
      intake.skip(item.number);
      return undefined;
    }
    data = observeRequest(value, lineCommandId(intake.record.ingestion, item.number), check);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    intake.refuse(item.number, error);
    return undefined;
  }
  return intake.take(item.number, data);
}

/** The observation in an item; undefined for a blank line. Throws INVALID_INPUT. */
function readItem(item: Item): unknown {
  if ("value" in item) return item.value;
  if (item.bytes) return parseLine(item.bytes);
  throw new GatewayError("INVALID_INPUT", "is longer than a line may be");
}

function stopping(): GatewayError {
  return new GatewayError("GATEWAY_STOPPING", "The gateway is being stopped.", { retryAfterSeconds: 1 });
}

/**
 * The error to report. A stream that the client broke off is a BAD_REQUEST, and no failure of the gateway.
 */
function orBrokenOff(error: unknown, body: BulkBody): unknown {
  if (error instanceof GatewayError || !(body instanceof http.IncomingMessage)) return error;
  // Where the parser gives up in the middle of a body, the body's error comes before it is destroyed.
  const isAborted = error instanceof Error && "code" in error && error.code === "ECONNRESET";
  if (!isAborted && (!body.destroyed || body.complete)) return error;
  return brokenOff(error);
}

/**
 * Returns the items until the signal is aborted. Then it throws what `error` makes, without waiting for
 * another item.
 */
async function* untilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  error: () => Error,
): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  let giveUp: (reason: Error) => void = () => {};
  const abort = () => giveUp(error());
  signal.addEventListener("abort", abort);
  try {
    for (;;) {
      // A race with one long-lived promise would keep every item that it was raced with.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T>>();
      giveUp = reject;
      if (signal.aborted) abort();
      else iterator.next().then(resolve, reject);
      const { value, done } = await promise;
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // This is not waited for, as it would wait for the pending item.
    iterator.return?.().catch(() => {});
  }
}
