import assert from "node:assert/strict";
import type { ApiDocument } from "../../fixtures/api-document.ts";
import type { Answer } from "../../fixtures/http-client.ts";
import type { FuzzRequest } from "./random-requests.ts";

/** Problems that any request can have, whatever its path was meant to be. */
const anywhere = new Set(["route-not-found", "method-not-allowed", "bad-request"]);

/** Asserts that an answer is as the document says, and that nothing in it is a fault of the gateway. */
export function checkAnswer(api: ApiDocument, request: FuzzRequest, answer: Answer): void {
  const { status, headers, json, text } = answer;
  const about = `${request.method} ${request.path}: ${status} ${text.slice(0, 500)}`;
  assert.doesNotMatch(text, /\.ts:\d|\.js:\d|node_modules|Traceback/, about);
  assert.equal(headers["x-content-type-options"], "nosniff", about);
  const type = headers["content-type"]?.split(";")[0] ?? "";
  const problem = String(json.type ?? "").replace("urn:kato:problem:", "");
  if (status >= 400) {
    assert.equal(type, "application/problem+json", about);
    assert.equal(json.status, status, about);
    assert.notEqual(problem, "internal", about);
    assertExcused(request, problem, status, about);
  }
  if (anywhere.has(problem) || request.method !== request.operation.split(" ")[0]) return;
  const { content = {} } = api.answer(request.operation, status);
  const media = content[type];
  if (status === 204) return;
  assert.ok(media, `${type} is not documented. ${about}`);
  if (type === "application/json" || type === "application/problem+json")
    api.assertMatches(media, JSON.parse(text), about);
}

/** Of the 5xx only these are what somebody asked for. */
function assertExcused({ id, headers }: FuzzRequest, problem: string, status: number, about: string): void {
  if (status < 500) return;
  const isShort = /wait=[012]\b/.test(headers.prefer ?? "");
  const isExcused =
    problem === "not-supported" ||
    (id !== "p1" && ["instance-unavailable", "not-owned", "queue-paused"].includes(problem)) ||
    (isShort && ["deadline-passed", "effect-unknown"].includes(problem));
  assert.ok(isExcused, about);
}

/** Asserts that what came back on a socket is nothing, or begins with a whole answer that is no fault. */
export function checkRawAnswer(sent: Buffer, received: Buffer): void {
  if (received.length === 0) return;
  const text = received.toString("latin1");
  const about = `${JSON.stringify(sent.toString("latin1").slice(0, 300))}: ${text.slice(0, 500)}`;
  const [, status = ""] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
  assert.ok(status !== "", about);
  if (status === "100") return;
  assert.ok(
    Number(status) < 500 ||
      /"urn:kato:problem:(not-supported|deadline-passed|effect-unknown|instance-unavailable|not-owned|queue-paused)"/.test(
        text,
      ),
    about,
  );
  assert.match(text, /^x-content-type-options: nosniff\r$/im, about);
  if (Number(status) >= 400) assert.match(text, /^content-type: application\/problem\+json/im, about);
}
