import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { checkJsonSize } from "./json-size.ts";
import { unknownFields } from "./known-fields.ts";
import type { LimitReached, Limits } from "./limits.ts";
import type { Share } from "./memory-budget.ts";
import { invalidFields } from "./problem.ts";
import { readBody } from "./read-body.ts";

/** A body of this size is worked on in several turns of the event loop, so that others get theirs. */
const largeBytes = 64 * 1024;

/**
 * Reads every body as JSON, whatever its content type says. The old front end did so, and curl sends
 * `application/x-www-form-urlencoded` by default. An empty body reads as undefined. `hint` is told where a
 * body is not JSON.
 */
export function readJsonBodies(
  app: FastifyInstance,
  { limits, reached, hint = "" }: { limits: Limits; reached: LimitReached; hint?: string },
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", async (request: FastifyRequest, payload: IncomingMessage) =>
    parseBody(await readBody(request, payload, limits, reached), request.bodyShare, hint),
  );
}

async function parseBody(body: Buffer, share: Share | undefined, hint: string): Promise<unknown> {
  if (body.length === 0) return undefined;
  const { parsedBytes } = checkJsonSize(body);
  // What is parsed stands beside the text and the bytes.
  share?.resize(2 * body.length + parsedBytes);
  if (body.length > largeBytes) await setImmediate();
  try {
    if (!isUtf8(body)) throw new SyntaxError("it is not UTF-8");
    // JSON.parse keeps `__proto__` as an own property. That is safe, as only own properties are read.
    return JSON.parse(textOf(body));
  } catch (error) {
    const detail = error instanceof Error ? error.message : "it cannot be read";
    throw new GatewayError("BODY_NOT_JSON", `The body is not JSON: ${detail}${hint}`, { effect: "none" });
  } finally {
    if (body.length > largeBytes) await setImmediate();
  }
}

/** The text of UTF-8 bytes, without the byte-order mark that editors put before it. */
export function textOf(utf8: Buffer): string {
  const hasMark = utf8[0] === 0xef && utf8[1] === 0xbb && utf8[2] === 0xbf;
  return utf8.toString("utf8", hasMark ? 3 : 0);
}

/**
 * A preValidation hook: a client may send the body's fields at the top or under `data`, as in the old front
 * end. A missing body becomes an empty object.
 */
export async function unwrapData(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {};
  if (hasData(request.body)) request.body = dataIn(request.body);
}

/** What a body has under `data`. Nothing may stand beside it. Throws INVALID_INPUT. */
export function dataIn(body: { data: object }): object {
  const others = Object.keys(body).filter((name) => name !== "data");
  if (others.length > 0) invalidFields(unknownFields(others, ["data"]));
  return body.data;
}

/** Whether a body has its fields under `data`. */
export function hasData(body: unknown): body is { data: object } {
  return typeof body === "object" && body !== null && "data" in body && Object.hasOwn(body, "data");
}
