import assert from "node:assert/strict";
import test from "node:test";
import { katoClient } from "../../../libs/client/client.ts";
import type { Fetch, FetchRequest } from "../../../libs/client/fetch.ts";
import { KatoError } from "../../../libs/client/kato-error.ts";

interface Scripted {
  status?: number;
  json?: object;
  body?: string;
  headers?: Record<string, string>;
  /** The code of an error of the connection. */
  breaks?: string;
}

const url = "http://gateway.example";

/** A gateway that answers one thing after the other, and notes what it was asked. */
function scripted(...answers: Scripted[]) {
  const asked: (FetchRequest & { url: string })[] = [];
  const fetch: Fetch = async (target, request) => {
    asked.push({ ...request, url: target });
    const {
      status = 200,
      json,
      headers = {},
      breaks,
      body = JSON.stringify(json ?? {}),
    } = answers.shift() ?? {};
    if (breaks !== undefined) throw Object.assign(new Error("broken"), { code: breaks });
    return {
      status,
      headers: { get: (name) => headers[name] ?? null },
      body: chunksOf(body),
      text: async () => body,
    };
  };
  return { asked, fetch };
}

async function* chunksOf(text: string) {
  // In two parts, so that a line comes in pieces.
  const bytes = new TextEncoder().encode(text);
  yield bytes.subarray(0, 7);
  yield bytes.subarray(7);
}

const problem = (code: string, status: number, more: object = {}): Scripted => ({
  status,
  json: { type: `urn:kato:problem:${code}`, status, detail: `it is ${code}`, ...more },
  headers: { "retry-after": "0" },
});
const passing = problem("nats-unavailable", 503, { retryable: true, effect: "none" });
const uncertain = problem("nats-unavailable", 503, { retryable: true, effect: "unknown" });

/** How often a gateway that first answers this is asked. */
async function timesAsked(
  first: Scripted,
  send: (client: ReturnType<typeof katoClient>) => Promise<unknown>,
): Promise<number> {
  const { asked, fetch } = scripted(first);
  await send(katoClient({ url, fetch })).catch(() => {});
  return asked.length;
}

test("what had no effect and can succeed later is sent again; what may have had one only under a key", async () => {
  const idempotencyKey = "k1";
  for (const [first, expected] of [
    [passing, { query: 2, command: 2, keyed: 2 }],
    [uncertain, { query: 2, command: 1, keyed: 2 }],
    [{ breaks: "ECONNRESET" }, { query: 2, command: 1, keyed: 2 }],
    [{ breaks: "ECONNREFUSED" }, { query: 2, command: 2, keyed: 2 }],
    [
      { status: 502, body: "bad gateway" },
      { query: 2, command: 1, keyed: 2 },
    ],
    [problem("invalid-input", 422, { retryable: false, effect: "none" }), { query: 1, command: 1, keyed: 1 }],
    [
      problem("effect-unknown", 504, { retryable: false, effect: "unknown" }),
      { query: 1, command: 1, keyed: 1 },
    ],
  ] as const) {
    const times = {
      query: await timesAsked(first, (client) => client.processor("p1").predictions()),
      command: await timesAsked(first, (client) => client.processor("p1").learn()),
      keyed: await timesAsked(first, (client) => client.processor("p1").learn({ idempotencyKey })),
    };
    assert.deepEqual(times, expected, JSON.stringify(first));
  }
});

test("a request is not repeated for ever, nor where the gateway asks for too long a pause", async () => {
  const { asked, fetch } = scripted(passing, passing, passing, passing, passing);
  await assert.rejects(katoClient({ url, fetch, attempts: 3 }).gateway.ready(), { code: "NATS_UNAVAILABLE" });
  assert.equal(asked.length, 3);
  const slow = { ...passing, headers: { "retry-after": "60" } };
  assert.equal(await timesAsked(slow, ({ gateway }) => gateway.ready()), 1);
});

test("a failure has the fields of its problem, and says whether it had an effect", async () => {
  const detail = { processor: "p1", errors: [{ field: "strings[1]", detail: "must be string" }] };
  const { fetch } = scripted(problem("invalid-input", 422, { retryable: false, effect: "none", ...detail }));
  const error = await katoClient({ url, fetch })
    .processor("p1")
    .observe({ strings: ["a"] })
    .catch((error: unknown) => error);
  assert.ok(error instanceof KatoError);
  const { code, status, effect, retryable, message } = error;
  assert.deepEqual(
    { code, status, effect, retryable, message },
    { code: "INVALID_INPUT", status: 422, effect: "none", retryable: false, message: "it is invalid-input" },
  );
  assert.deepEqual(error.problem.errors, detail.errors);
});

test("something else than a gateway is told as that", async () => {
  for (const [answer, code] of [
    [{ body: "<html>" }, "NO_GATEWAY"],
    [{ status: 301, body: "" }, "HTTP_301"],
    [{ status: 404, body: "<html>" }, "HTTP_404"],
  ] as const) {
    const { fetch } = scripted(answer);
    await assert.rejects(katoClient({ url, fetch }).gateway.ready(), { code, effect: "none" });
  }
});

test("a request says who sends it, how long it waits, and what it is to wait for", async () => {
  const { asked, fetch } = scripted({}, {});
  const client = katoClient({
    url: `${url}/`,
    fetch,
    key: async () => "kato_a_b",
    headers: { "kato-console": "1" },
  });
  await client.processor("a/b").learn({ async: true, waitSeconds: 5, idempotencyKey: "k" });
  await client.processor("p1").workingMemory({ after: 7 });
  const [learn, memory] = asked;
  assert.equal(learn?.url, `${url}/a%2Fb/learn`);
  assert.deepEqual(learn?.headers, {
    "kato-console": "1",
    accept: "application/json",
    authorization: "Bearer kato_a_b",
    prefer: "respond-async, wait=5",
    "idempotency-key": "k",
  });
  assert.equal(memory?.headers["kato-after"], "7");
});

test("a signal ends a request, and the pause before the next", async () => {
  const { asked, fetch } = scripted({ ...passing, headers: { "retry-after": "5" } });
  const stop = new AbortController();
  const asking = katoClient({ url, fetch }).gateway.ready({ signal: stop.signal });
  setImmediate(() => stop.abort(new Error("stopped")));
  await assert.rejects(asking, /stopped/);
  await assert.rejects(katoClient({ url, fetch }).gateway.ready({ signal: stop.signal }), /stopped/);
  assert.equal(asked.length, 1);
});

const report = { ingestion: "i", accepted: 2, first_sequence: 1, last_sequence: 2, rejected: [] };

test("an upload under a key is sent again from its first line, and one without a key is not", async () => {
  const { asked, fetch } = scripted({ breaks: "ECONNRESET" }, { status: 202, json: report });
  const source = () => '{"strings":["a"]}\n{"strings":["b"]}\n';
  assert.deepEqual(
    await katoClient({ url, fetch }).processor("p1").upload(source, { idempotencyKey: "k" }),
    report,
  );
  assert.deepEqual(
    asked.map(({ headers }) => headers["idempotency-key"]),
    ["k", "k"],
  );
  assert.equal(
    await timesAsked({ breaks: "ECONNRESET" }, (client) => client.processor("p1").upload(source)),
    1,
  );
});

test("receipts are told as they come, and the end of an upload that began well but did not end so is an error", async () => {
  const receipts = [
    { line: 1, sequence: 7 },
    { line: 2, error: "strings: must be array" },
  ];
  const body = receipts.map((receipt) => `${JSON.stringify(receipt)}\n`).join("");
  const stored = { ...report, processor: "p1", intake: "stopped", rejected: [{ line: 2, detail: "wrong" }] };
  const { fetch } = scripted({ body, headers: { "kato-ingestion": "i" } }, { json: stored });
  const told: unknown[] = [];
  const uploading = katoClient({ url, fetch })
    .processor("p1")
    .upload(() => "", { onReceipts: (some) => told.push(...some), stopOnError: true });
  await assert.rejects(uploading, { code: "INVALID_INPUT", message: "line 2: wrong", effect: "applied" });
  assert.deepEqual(told, receipts);
});

test("events are followed over a connection that ends early, and each is told once", async () => {
  const view = (state: string, applied: number) => JSON.stringify({ state, applied });
  const { asked, fetch } = scripted(
    { body: `retry: 1000\n\nid: 1\ndata: ${view("applying", 1)}\n\n: still here\n\nid: 2\ndata: {"half` },
    { breaks: "ECONNREFUSED" },
    { body: `id: 2\ndata: ${view("done", 2)}\n\n` },
  );
  const seen: number[] = [];
  for await (const { applied } of katoClient({ url, fetch }).processor("p1").followIngestion("i"))
    seen.push(applied);
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(
    asked.map(({ headers }) => headers["last-event-id"]),
    [undefined, "1", "1"],
  );
});
