import type { ChannelInterface } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import type { TraceContext } from "../telemetry/trace-context.ts";
import { writeTraceContext } from "../telemetry/trace-context.ts";

/**
 * How a call ended:
 * - `response`: the instance has answered with these bytes.
 * - `answered`: the instance has answered with a gRPC error.
 * - `not-sent`: there was no connection, so the call has no effect.
 * - `unseen`: the call was sent and its end was not seen. That says nothing about its effect (A3).
 *
 * `status` is the gRPC status code, `details` its text.
 */
export type CallResult =
  | { kind: "response"; bytes: Buffer }
  | { kind: "answered" | "not-sent" | "unseen"; status: number; details: string };

/** What a call sends. */
export interface UnaryRequest {
  /** The gRPC path, for example `/kato_proc.KatoEngine/Observe`. */
  path: string;
  bytes: Uint8Array;
  timeoutMs: number;
  /** Sent along as metadata. */
  trace?: TraceContext | undefined;
  /**
   * Asked just before the message is written. If it says no, the call ends as `not-sent`, because KATO does
   * not begin without the message.
   */
  mayWrite?: (() => boolean) | undefined;
}

/** A call under way. */
export interface UnaryCall {
  /** How the call ended, after `timeoutMs` at the latest. Never rejects. */
  readonly result: Promise<CallResult>;
  /** Ends the call as `unseen`. */
  cancel(): void;
}

/**
 * Sends a request over a channel that is connected. The message is written in this turn of the event loop.
 */
export function startUnaryCall(channel: ChannelInterface, request: UnaryRequest): UnaryCall {
  const { path, timeoutMs, trace } = request;
  const { promise, resolve } = Promise.withResolvers<CallResult>();
  // grpc-js's own deadline is not used: each one makes a timer list and a header value of its own.
  const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
  const timer = setTimeout(
    () => call.cancelWithStatus(status.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`),
    timeoutMs,
  );
  const metadata = new Metadata();
  writeTraceContext(trace, (name, value) => metadata.set(name, value));
  let response: Buffer | undefined;
  call.start(metadata, {
    onReceiveMetadata: () => {},
    onReceiveMessage: (message: Buffer) => {
      response = message;
    },
    onReceiveStatus: ({ code, details }) => {
      clearTimeout(timer);
      resolve(resultOf(code, details, response));
    },
  });
  call.startRead();
  void writeMessage(call, channel.getTarget(), request);
  return {
    result: promise,
    cancel: () => call.cancelWithStatus(status.CANCELLED, "the channel was closed"),
  };
}

/** How many ticks are waited for a call's stream at most. grpc-js opens it a few ticks after the start. */
const mostTicks = 32;

/**
 * Resolves in the same turn of the event loop, after the callbacks of all promises that are settled by now.
 */
const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** The details of the status of a call that `mayWrite` refused. */
const notWritten = "refused before it was written";

/**
 * Waits until the stream of the call is open, then asks `mayWrite`, then writes the message. So only little
 * time is between the question and the socket. All of it happens in one turn of the event loop.
 * That the stream is open is seen by the peer: before, it is the channel's target.
 */
async function writeMessage(
  call: ReturnType<ChannelInterface["createCall"]>,
  target: string,
  { bytes, mayWrite }: UnaryRequest,
): Promise<void> {
  for (let tick = 0; mayWrite && tick < mostTicks && call.getPeer() === target; tick++) await nextTick();
  if (mayWrite && !mayWrite()) {
    call.cancelWithStatus(status.CANCELLED, notWritten);
    return;
  }
  call.sendMessageWithContext({}, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  call.halfClose();
}

/** The gRPC errors that do not tell whether the call has reached the instance. */
const inconclusive = new Set<number>([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.UNKNOWN,
]);

function resultOf(code: number, details: string, response: Buffer | undefined): CallResult {
  if (code === status.OK) {
    if (response) return { kind: "response", bytes: response };
    return { kind: "answered", status: status.INTERNAL, details: "OK without a response" };
  }
  // A connection that breaks under a call can show as INTERNAL, because of the RST_STREAM of grpc-js's own
  // side.
  const isBroken = code === status.INTERNAL && details.startsWith("Received RST_STREAM");
  if (details === notWritten) return { kind: "not-sent", status: code, details };
  return { kind: inconclusive.has(code) || isBroken ? "unseen" : "answered", status: code, details };
}
