import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Fetch, FetchAnswer, RequestBody } from "../client/fetch.ts";

// `fetch` on Node's own HTTP. It takes certificates, which the platform's does not without another package; an answer
// can be read while the request is still being sent; and a program starts sooner without the platform's.

/** Certificates and keys in PEM. */
export interface TlsOptions {
  /** Who signs the gateway's certificate, where the system does not know it. */
  ca?: string | undefined;
  /** The client's own certificate, and its key. */
  cert?: string | undefined;
  key?: string | undefined;
}

/** Makes a `fetch` for the client. It keeps its connections. */
export function nodeFetch(tls: TlsOptions = {}): Fetch {
  // An import of values from node:http loads a second HTTP client, which takes longer than the whole rest.
  const http = process.getBuiltinModule("node:http");
  const plain = new http.Agent({ keepAlive: true });
  let secure: InstanceType<typeof http.Agent> | undefined;
  const agentFor = (url: URL) => {
    if (url.protocol !== "https:") return plain;
    const https = process.getBuiltinModule("node:https");
    secure ??= new https.Agent({ keepAlive: true, ...withoutUndefined(tls) });
    return secure;
  };

  return async (target, { method, headers, body, signal }) => {
    const url = new URL(target);
    const { request } = url.protocol === "https:" ? process.getBuiltinModule("node:https") : http;
    const length =
      typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : undefined;
    const sent = request(url, {
      method,
      agent: agentFor(url),
      headers: {
        ...headers,
        ...(body === undefined && method !== "GET" ? { "content-length": "0" } : length),
      },
    });
    // As an option of the request the signal would also end the connection, which others use after this one.
    let abort = () => void sent.destroy(signal?.reason);
    const onAbort = () => abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    sent.once("close", () => signal?.removeEventListener("abort", onAbort));
    // A body that cannot be made ends the request. What becomes of it is told by the answer.
    void send(sent, body).catch((error: Error) => void sent.destroy(error));
    const [response]: IncomingMessage[] = await once(sent, "response");
    if (!response) throw new Error("no response");
    // An error of the connection after the answer has begun shows where the answer is read.
    sent.on("error", () => {});
    response.on("error", () => {});
    abort = () => void response.destroy(signal?.reason);
    // Nobody reads the rest of a request that is answered.
    response.once("end", () => {
      if (!sent.writableEnded) sent.destroy();
    });
    return answerOf(response);
  };
}

async function send(
  request: ReturnType<typeof import("node:http").request>,
  body: RequestBody | undefined,
): Promise<void> {
  if (body === undefined || typeof body === "string") {
    request.end(body);
    return;
  }
  // The head goes first: the answer may begin before the first line is there.
  request.flushHeaders();
  for await (const chunk of body) {
    if (request.destroyed || request.writableEnded) return;
    if (!request.write(chunk) && request.writableNeedDrain) await drained(request);
  }
  request.end();
}

/** Resolves once the socket takes more, or is gone. */
function drained(request: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off("drain", done).off("close", done);
      resolve();
    };
    request.once("drain", done).once("close", done);
  });
}

function answerOf(response: IncomingMessage): FetchAnswer {
  return {
    status: response.statusCode ?? 0,
    headers: {
      get: (name) => {
        const value = response.headers[name.toLowerCase()];
        return value === undefined ? null : [value].flat().join(", ");
      },
    },
    body: response,
    async text() {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    },
  };
}

function withoutUndefined(options: TlsOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
