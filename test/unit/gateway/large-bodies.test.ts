import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Intake } from "../../../services/gateway/bulk/intake.ts";
import type { ObservationCheck } from "../../../services/gateway/bulk/observation-line.ts";
import { takeBody } from "../../../services/gateway/bulk/take-body.ts";
import { assertPassedOn, assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";

const mebibyte = 1024 * 1024;

test("a body that would become too much is refused before anything is made of it", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  const fill = (part: string, bytes: number) => part.repeat(bytes / part.length).slice(0, -1);
  const vectors = `"vectors": [${fill("[1],", 7.9 * mebibyte)}]`;
  for (const [path, status, body] of [
    ["observe", 413, `{${vectors}}`],
    ["observe", 413, `{"vectors": [${fill("[1],", mebibyte)}]}`],
    ["observe", 413, `{"vectors": [[${fill("1,", 7.9 * mebibyte)}]]}`],
    ["observe", 413, `{"vectors": [[${fill("1,", mebibyte)}]]}`],
    ["observe", 413, `{"strings": [${fill('"",', 7.9 * mebibyte)}]}`],
    [
      "observe",
      413,
      `{"emotives": {${Array.from({ length: 500_000 }, (_, i) => `"${i.toString(36)}":1`).join()}}}`,
    ],
    ["observe", 413, `{"strings": ["${"x".repeat(7.9 * mebibyte)}"]}`],
    ["observe", 413, `{"strings": ["${"x".repeat(9 * mebibyte)}"]}`],
    ["observe", 422, "[".repeat(7.9 * mebibyte)],
    ["observe-sequence", 413, `{"observations": [{${vectors}}]}`],
    [
      "observe-sequence",
      413,
      `{"observations": [${fill('{"strings":["xxxxxxxxx"]},', mebibyte / 8).repeat(5)}]}`,
    ],
    ["observe-sequence", 422, `{"observations": [${fill("{},", 40_000)}]}`],
    ["observations", 413, `{"observations": [{${vectors}}]}`],
    ["observations", 413, `{"observations": [${fill("{},", 7.9 * mebibyte)}]}`],
    ["genes/change", 413, `{"data": {"x": [${fill("[],", mebibyte)}]}}`],
  ] as const) {
    const about = `${path} ${body.slice(0, 40)}`;
    const answer = await send("POST", `/p1/${path}`, body);
    assertProblem(answer, status, about);
    assert.equal(answer.json.effect, "none", about);
  }
});

test("the largest bodies that are taken do not block the event loop for long", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  const bodies = [
    { vectors: Array.from({ length: 90_000 }, (_, index) => [index]) },
    { vectors: [Array.from({ length: 380_000 }, (_, index) => index / 3)] },
    { strings: Array.from({ length: 90_000 }, (_, index) => index.toString(36)) },
    { strings: ["x".repeat(4 * mebibyte - 1_000)] },
    { emotives: Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [index.toString(36), 1])) },
  ].map((body) => JSON.stringify(body));
  for (const body of bodies) {
    const about = body.slice(0, 20);
    // The first time code is compiled.
    for (const isFirst of [true, false]) {
      const longestMs = await longestTurn(async () =>
        assertPassedOn(await send("POST", "/p1/observe", body), about),
      );
      if (!isFirst) assert.ok(longestMs < 100, `${about}: ${longestMs} ms`);
    }
  }
});

test("a stream of very many small lines lets others have their turns", async () => {
  let refused = 0;
  const intake = {
    record: { ingestion: "i" },
    skip: () => {},
    take: () => undefined,
    refuse: () => refused++,
    finish: async () => {},
    close: async () => {},
  } as unknown as Intake;
  const lines = 100_000;
  const body = Readable.from([Buffer.from("x\n".repeat(lines))]) as IncomingMessage;
  const validate = Object.assign(() => false, { errors: null });
  const longestMs = await longestTurn(() =>
    takeBody(intake, body, {
      check: { validate, limitBytes: mebibyte } as unknown as ObservationCheck,
      learnAtEnd: false,
      signal: new AbortController().signal,
      receipts: undefined,
      lineBytes: mebibyte,
      share: undefined,
    }),
  );
  assert.equal(refused, lines);
  assert.ok(longestMs < 100, `${longestMs} ms`);
});

/**
 * The longest turn of the event loop meanwhile, in ms of this thread's CPU time, which other processes do not
 * take part in.
 */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  const usedMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let longestMs = 0;
  let before = usedMs();
  let isOver = false;
  const turn = () => {
    const now = usedMs();
    longestMs = Math.max(longestMs, now - before);
    before = now;
    if (!isOver) setImmediate(turn);
  };
  turn();
  await work();
  isOver = true;
  turn();
  return longestMs;
}
