import type { FastifyRequest } from "fastify";

/**
 * Lets a body say the same under `data` as at its top, as the old front end did. A body that is missing becomes an empty
 * object.
 */
export async function unwrapData(request: FastifyRequest): Promise<void> {
  request.body ??= {};
  if (hasData(request.body)) request.body = request.body.data;
}

/** Whether a body has its content under `data`. */
export function hasData(body: unknown): body is { data: object } {
  return typeof body === "object" && body !== null && "data" in body && Object.hasOwn(body, "data");
}
