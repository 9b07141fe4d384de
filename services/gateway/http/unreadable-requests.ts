import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { ErrorCode } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { problemOf } from "./problem.ts";
import { randomId } from "./random-id.ts";

// Requests that HTTP itself does not allow, or that Node's parser cannot read. They are answered with a
// problem as all others are, and their connection ends.

/** What Node reports of a connection that it cannot go on reading. */
type ClientError = Error & { code?: string; reason?: string };

const reasons: Record<string, { code: ErrorCode; detail: string } | undefined> = {
  HPE_HEADER_OVERFLOW: { code: "HEADERS_TOO_LARGE", detail: "The head of the request is too long." },
  ERR_HTTP_REQUEST_TIMEOUT: { code: "REQUEST_TIMEOUT", detail: "The request did not come in time." },
};

/** Answers what Node's parser cannot read, and what Node would answer by itself. */
export function answerUnreadable(
  app: FastifyInstance,
  { metrics, log }: { metrics: GatewayMetrics; log: FastifyBaseLogger },
): void {
  /** The latest answer of each connection. */
  const answers = new WeakMap<Duplex, { latest: ServerResponse }>();
  app.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const known = answers.get(request.socket);
    if (known) known.latest = response;
    else answers.set(request.socket, { latest: response });
  });
  /** Whether a connection is reading an answer. */
  const isReading = (socket: Duplex) => {
    const { latest } = answers.get(socket) ?? {};
    return latest?.headersSent === true && !latest.closed;
  };
  const refuse = (socket: Duplex, error: GatewayError) => {
    if (!socket.writable || isReading(socket)) {
      socket.destroy();
      return;
    }
    const request = randomId();
    metrics.answered({ processor: "", method: "", outcome: error.code, seconds: 0, isStream: false });
    log.info({ request, status: error.status, outcome: error.code, detail: error.message }, "request");
    socket.end(answerOf(error, request), () => socket.destroy());
  };
  app.server.removeAllListeners("clientError");
  app.server.on("clientError", (error: ClientError, socket: Duplex) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else refuse(socket, errorOf(error));
  });
  app.server.on("connect", (_request: IncomingMessage, socket: Duplex) =>
    refuse(socket, new GatewayError("METHOD_NOT_ALLOWED", "This is no proxy.", { effect: "none" })),
  );
  // Any other expectation than 100-continue may be ignored (RFC 9110, 10.1.1).
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
}

function errorOf({ code = "", reason }: ClientError): GatewayError {
  const known = reasons[code] ?? { code: "BAD_REQUEST", detail: `This is not HTTP: ${reason ?? code}.` };
  return new GatewayError(known.code, known.detail, { effect: "none" });
}

/** The bytes of the whole answer. There is no Fastify reply for a request that was not read. */
function answerOf(error: GatewayError, request_id: string): string {
  const body = JSON.stringify({ ...problemOf(error), request_id });
  return [
    `HTTP/1.1 ${error.status} ${problemOf(error).title}`,
    "content-type: application/problem+json",
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

/**
 * What is wrong with a head that two programs may read differently: no `Host` or two of them, and a
 * `Transfer-Encoding` that Node does not undo. Undefined for others.
 */
export function objectionToHead({
  rawHeaders,
  headers,
  httpVersion,
}: IncomingMessage): GatewayError | undefined {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1")) {
    return new GatewayError("BAD_REQUEST", `The request has ${hosts} Host headers.`, { effect: "none" });
  }
  const coding = headers["transfer-encoding"]?.trim().toLowerCase() ?? "chunked";
  if (coding === "chunked") return undefined;
  const detail = `The Transfer-Encoding ${JSON.stringify(coding.slice(0, 100))} is not supported, only chunked.`;
  return new GatewayError("BAD_REQUEST", detail, { effect: "none" });
}
