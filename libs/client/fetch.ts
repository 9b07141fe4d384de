// What the client needs of a platform: the part of `fetch` that it uses. The `fetch` of browsers and of Node fits,
// and so does libs/client-node/node-fetch.ts, which takes certificates.

/** A request's body: text, or bytes that are sent as they come. */
export type RequestBody = string | AsyncIterable<Uint8Array>;

export interface FetchRequest {
  method: string;
  headers: Record<string, string>;
  body?: RequestBody;
  signal?: AbortSignal;
}

export interface FetchAnswer {
  status: number;
  headers: { get(name: string): string | null };
  /** The body as it comes. */
  body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | null;
  text(): Promise<string>;
}

export type Fetch = (url: string, request: FetchRequest) => Promise<FetchAnswer>;

/** The platform's own `fetch`. In a browser a body that is streamed needs HTTP/2. */
export const platformFetch: Fetch = (url, { body, ...request }) => {
  if (body === undefined) return fetch(url, request);
  if (typeof body === "string") return fetch(url, { ...request, body });
  return fetch(url, { ...request, body: streamOf(body), duplex: "half" });
};

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

/** The lines of an answer's body, as they come. Not every browser can iterate a stream, so a reader is used. */
export async function* linesOf({ body }: FetchAnswer): AsyncGenerator<string[]> {
  if (!body) return;
  const decoder = new TextDecoder();
  let begun = "";
  for await (const chunk of chunksOf(body)) {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
    begun = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
  }
  if (begun !== "") yield [begun];
}

async function* chunksOf(body: NonNullable<FetchAnswer["body"]>): AsyncGenerator<Uint8Array> {
  if (!("getReader" in body)) {
    yield* body;
    return;
  }
  const reader = body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
