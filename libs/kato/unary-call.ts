import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { grpcStatus } from "./grpc-status.ts";

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

/** The header fields with which an answer begins or ends. */
export type HeaderFields = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** The gRPC errors that do not tell whether the call has reached the instance. */
const inconclusive = new Set<number>([
  grpcStatus.UNAVAILABLE,
  grpcStatus.CANCELLED,
  grpcStatus.DEADLINE_EXCEEDED,
  grpcStatus.UNKNOWN,
]);

/** What an HTTP status means where there is no status of gRPC, as from a proxy. Any other one is UNKNOWN. */
const meanings: Readonly<Record<number, number>> = {
  400: grpcStatus.INTERNAL,
  401: grpcStatus.UNAUTHENTICATED,
  403: grpcStatus.PERMISSION_DENIED,
  404: grpcStatus.UNIMPLEMENTED,
  429: grpcStatus.UNAVAILABLE,
  502: grpcStatus.UNAVAILABLE,
  503: grpcStatus.UNAVAILABLE,
  504: grpcStatus.UNAVAILABLE,
};

/** What a response begins with: whether it is compressed, and its length. */
export const prefixBytes = 5;

export function unseen(status: number, details: string): CallResult {
  return { kind: "unseen", status, details };
}

/**
 * The result of a call whose stream has come to its end. `head` are the first fields of the answer, `trailers` the
 * last; they may be the same. `body` is all of its data.
 */
export function resultOf(head: HeaderFields, trailers: HeaderFields, body: Buffer): CallResult {
  const code = trailers["grpc-status"];
  const httpStatus = head[":status"] ?? 0;
  if (code === undefined && httpStatus === 200) {
    return unseen(grpcStatus.INTERNAL, "the call ended without a status of gRPC");
  }
  if (code === undefined) {
    return errorOf(meanings[httpStatus] ?? grpcStatus.UNKNOWN, `HTTP status ${httpStatus}`);
  }
  const status = Number(code);
  if (!Number.isInteger(status)) return unseen(grpcStatus.UNKNOWN, "the status is none of gRPC");
  if (status !== grpcStatus.OK) return errorOf(status, decoded(String(trailers["grpc-message"] ?? "")));
  if (body.length === 0) {
    return { kind: "answered", status: grpcStatus.INTERNAL, details: "OK without a response" };
  }
  const isWhole = body.length >= prefixBytes && body.length === prefixBytes + body.readUInt32BE(1);
  if (!isWhole) return unseen(grpcStatus.INTERNAL, "the response is not one whole message");
  if (body[0] !== 0)
    return unseen(grpcStatus.INTERNAL, "the response is compressed, which was not asked for");
  return { kind: "response", bytes: body.subarray(prefixBytes) };
}

function errorOf(status: number, details: string): CallResult {
  return { kind: inconclusive.has(status) ? "unseen" : "answered", status, details };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
