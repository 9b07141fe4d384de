import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { LimitReached, Limits } from "./limits.ts";
import type { MemoryBudget, Share } from "./memory-budget.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the request's body takes of the memory for bodies; undefined if it has no body. */
    bodyShare: Share | undefined;
  }
}

/** The requests whose body was refused because it took too long. */
export const lateBodies = new WeakSet<IncomingMessage>();

/** Gives every request with a body a share of the budget, from its headers until its answer is written. */
export function shareBodies(app: FastifyInstance, budget: MemoryBudget): void {
  app.decorateRequest("bodyShare", undefined);
  app.addHook("onRequest", (request, reply, done) => {
    if (announcesBody(request.headers)) {
      const share = budget.share();
      request.bodyShare = share;
      reply.raw.once("close", () => share.release());
    }
    done();
  });
}

/**
 * Reads a whole body. Its memory is asked for as it comes, so that a client that only announces a large body
 * takes none. Rejects with TOO_LARGE, OVERLOADED, or BAD_REQUEST if it breaks off or takes too long.
 */
export function readBody(
  request: FastifyRequest,
  payload: Readable,
  { bodyBytes, bodyMs }: Pick<Limits, "bodyBytes" | "bodyMs">,
  reached: LimitReached,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const announced = Number(request.headers["content-length"]);
  const chunks: Buffer[] = [];
  let length = 0;
  const settled = () => {
    clearTimeout(timer);
    payload.off("data", onData).off("end", onEnd).off("error", onError);
  };
  const fail = (error: Error) => {
    settled();
    // What else the client sends is dropped.
    payload.on("error", () => {}).resume();
    reject(error);
  };
  const timer = setTimeout(() => {
    reached("body");
    lateBodies.add(request.raw);
    fail(new GatewayError("BAD_REQUEST", `The body took longer than ${bodyMs} ms.`, { effect: "none" }));
  }, bodyMs).unref();
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    if (length > bodyBytes) return fail(bodyTooLarge(bodyBytes));
    try {
      request.bodyShare?.resize(length);
    } catch (error) {
      return fail(GatewayError.from(error));
    }
    chunks.push(chunk);
  };
  const onEnd = () => {
    settled();
    resolve(Buffer.concat(chunks, length));
  };
  const onError = (cause: Error) => fail(brokenOff(cause, { effect: "none" }));
  if (announced > bodyBytes) fail(bodyTooLarge(bodyBytes));
  else payload.on("data", onData).on("end", onEnd).on("error", onError);
  return promise;
}

/** Whether the headers of a request say that a body follows. */
export function announcesBody({
  "content-length": length = "0",
  "transfer-encoding": encoding,
}: IncomingHttpHeaders): boolean {
  return encoding !== undefined || length !== "0";
}

/** The error for a body that the client has broken off. */
export function brokenOff(cause: unknown, context: ErrorContext = {}): GatewayError {
  return new GatewayError("BAD_REQUEST", "The body broke off.", context, { cause });
}

function bodyTooLarge(limit: number): GatewayError {
  return new GatewayError("TOO_LARGE", `The body is larger than ${limit} bytes.`, { effect: "none" });
}
