import type { Readable, TransformCallback } from "node:stream";
import { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyRequest, RequestPayload } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { announcesBody, brokenOff } from "./read-body.ts";

// How a body is coded: `Content-Encoding`, and the charset that `Content-Type` names.

/** The content codings that are understood, as `Accept-Encoding` says them. */
export const acceptedCodings = "gzip, br";

const decoders: Record<string, (() => Transform) | undefined> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  br: createBrotliDecompress,
};

/** ASCII is a part of UTF-8. */
const charsets = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/**
 * A body may unfold to any size that its route takes. But one that unfolds to more than this, and to more
 * than `maxRatio` times its size, is made to take time and memory.
 */
const alwaysAllowedBytes = 64 * 1024 * 1024;
const maxRatio = 200;

/** Has bodies decoded that are sent with `Content-Encoding`. What is not understood is a 415. */
export function decodeBodies(app: FastifyInstance): void {
  app.addHook("preParsing", (request, _reply, payload, done) => {
    if (!hasBody(request)) return done(null, payload);
    try {
      done(null, decoded(request, payload));
    } catch (error) {
      done(GatewayError.from(error));
    }
  });
}

/** The body as it was before it was coded. Throws UNSUPPORTED_MEDIA_TYPE. */
function decoded({ headers }: FastifyRequest, payload: RequestPayload): RequestPayload {
  checkCharset(headers["content-type"]);
  const coding = (headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (coding === "identity" || coding === "") return payload;
  const decoder = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
  if (!decoder) {
    throw unsupported(`The Content-Encoding ${quoted(coding)} is not one of ${acceptedCodings}.`);
  }
  return new DecodedBody(payload, decoder(), coding);
}

function hasBody({ method, headers }: FastifyRequest): boolean {
  return method !== "GET" && method !== "HEAD" && announcesBody(headers);
}

function checkCharset(contentType = ""): void {
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)"?/i.exec(contentType) ?? [];
  if (charset === undefined || charsets.has(charset.toLowerCase())) return;
  throw unsupported(`The charset ${quoted(charset)} is not supported: bodies are UTF-8.`);
}

/**
 * A body as it was before it was coded. It never destroys the request that it reads from, because that would
 * end the connection before the answer. If it fails, the rest of the request is read and dropped.
 */
class DecodedBody extends Transform {
  /** Fastify compares this with `Content-Length`. */
  receivedEncodedLength = 0;
  #bytes = 0;

  constructor(payload: RequestPayload, decoder: Transform, coding: string) {
    super();
    const source: Readable = payload;
    const fail = (error: GatewayError) => {
      source.unpipe(decoder);
      source.resume();
      decoder.destroy();
      this.destroy(error);
    };
    source.on("data", (chunk: Buffer) => {
      this.receivedEncodedLength += chunk.length;
    });
    source.once("error", (cause) => fail(brokenOff(cause)));
    source.once("close", () => {
      if (!source.readableEnded) fail(brokenOff(undefined));
    });
    decoder.once("error", (cause) => {
      const detail = `The body is not ${coding}, which its Content-Encoding says: ${cause.message}.`;
      fail(new GatewayError("BAD_REQUEST", detail, { effect: "none" }, { cause }));
    });
    // A body that is given up may fail later, when nobody listens any more.
    this.on("error", (error) => fail(GatewayError.from(error)));
    source.pipe(decoder).pipe(this);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= Math.max(alwaysAllowedBytes, maxRatio * this.receivedEncodedLength)) {
      done(null, chunk);
      return;
    }
    const detail = `The body unfolds to more than ${maxRatio} times its size.`;
    done(new GatewayError("TOO_LARGE", detail, { effect: "none" }));
  }
}

function unsupported(detail: string): GatewayError {
  return new GatewayError("UNSUPPORTED_MEDIA_TYPE", detail, { effect: "none" });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
