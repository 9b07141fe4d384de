import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

/**
 * Reads every body as JSON, whatever its content type says: the old front end did, and curl says
 * `application/x-www-form-urlencoded` unless told otherwise. No body at all reads as undefined.
 */
export function readJsonBodies(app: FastifyInstance, limitBytes: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: limitBytes },
    (_request, body: Buffer, done) => {
      if (body.length === 0) return done(null, undefined);
      try {
        if (!isUtf8(body)) throw new SyntaxError("it is not UTF-8");
        // Plain JSON.parse keeps `__proto__` as an own property, which harms nothing that reads own properties.
        done(null, JSON.parse(body.toString("utf8")));
      } catch (error) {
        const detail = error instanceof Error ? error.message : "it cannot be read";
        done(new GatewayError("BODY_NOT_JSON", `The body is not JSON: ${detail}`, { effect: "none" }));
      }
    },
  );
}
