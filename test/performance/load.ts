import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";

const observation = JSON.stringify({
  strings: ["alpha", "beta"],
  emotives: { joy: 0.5 },
  metadata: { source: "bench" },
  unique_id: "obs-0123456789abcdef",
});

/** A whole request, as it goes over the wire. */
export function observeRequest(processor: string, headers: readonly string[] = []): Buffer {
  return postRequest(`/${processor}/observe`, observation, headers);
}

export function postRequest(path: string, body: string, headers: readonly string[] = []): Buffer {
  const head = [`POST ${path} HTTP/1.1`, "host: localhost", "content-type: application/json", ...headers];
  return Buffer.from(`${head.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

export interface LoadResult {
  requests: number;
  elapsedMs: number;
  /** Of each request, sorted. */
  latenciesMs: number[];
}

/**
 * Keeps one request under way on each of as many connections as there are requests, for `durationMs`. Throws
 * at an answer that is not a 200.
 * Raw sockets, as an HTTP client would cost as much CPU as what is measured.
 */
export async function load(port: number, requests: Buffer[], durationMs: number): Promise<LoadResult> {
  const sockets = await Promise.all(requests.map(() => openSocket(port)));
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + durationMs;
  try {
    await Promise.all(
      sockets.map((socket, index) => exchange(socket, requests[index] as Buffer, endAt, latenciesMs)),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const elapsedMs = performance.now() - startedAt;
  return { requests: latenciesMs.length, elapsedMs, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** One request after the other on one connection until the time is over. */
function exchange(socket: Socket, request: Buffer, endAt: number, latenciesMs: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = "";
    let sentAt = 0;
    const send = () => {
      received = "";
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed the connection")));
    socket.on("data", (chunk: string) => {
      received += chunk;
      if (!isComplete(received)) return;
      const now = performance.now();
      latenciesMs.push(now - sentAt);
      if (!received.startsWith("HTTP/1.1 200")) reject(new Error(`not a 200: ${received}`));
      else if (now < endAt) send();
      else resolve();
    });
    send();
  });
}

function isComplete(response: string): boolean {
  const headEnd = response.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /content-length: (\d+)/i.exec(response)?.[1];
  return response.length >= headEnd + 4 + Number(length);
}
