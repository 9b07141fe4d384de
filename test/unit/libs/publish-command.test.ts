import assert from "node:assert/strict";
import { test } from "node:test";
import type { MsgHdrs } from "@nats-io/transport-node";
import { errors, InvalidArgumentError } from "@nats-io/transport-node";
import type { PublishAnswer } from "../../../libs/commands/log/publish-answer.ts";
import type { Stored } from "../../../libs/commands/log/publish-command.ts";
import { publishCommand } from "../../../libs/commands/log/publish-command.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { receivedHeaders } from "../../fixtures/received-headers.ts";

const command = { id: "c1", processor: "p1", method: "Observe", data: new Uint8Array() };
const stored: PublishAnswer = { sequence: 7 };
const full: PublishAnswer = { error: { code: 10_077, description: "maximum bytes exceeded" } };
const noLeader: PublishAnswer = { error: { code: 10_008, description: "no leader" } };
const tooLarge = new InvalidArgumentError("max_payload size exceeded");
const closed = new errors.ClosedConnectionError();

/** Publishes with these answers, one after the other: none at all, or an error of nats.js in place of sending. */
async function publish(
  ...answers: (PublishAnswer | Error | undefined)[]
): Promise<{ result: Stored; ids: string[] }> {
  const ids: string[] = [];
  let answer: PublishAnswer | undefined;
  const connection = {
    publish(_subject: string, _data: unknown, options?: { headers?: MsgHdrs }) {
      ids.push(receivedHeaders(options?.headers).get("Nats-Msg-Id"));
      assert.ok(answers.length > 0, "it is not published more often");
      const next = answers.shift();
      if (next instanceof Error) throw next;
      answer = next;
    },
  };
  const expect = () => ({
    subject: "inbox.1",
    get answer() {
      return Promise.resolve(answer);
    },
    abandon: () => {},
  });
  return { result: await publishCommand(connection, { expect }, command), ids };
}

const isError = (code: string, effect: string) => (error: unknown) =>
  error instanceof GatewayError && error.code === code && error.context.effect === effect;

test("a command that is not acknowledged is published again, under the same id (A2)", async () => {
  const { result, ids } = await publish(undefined, {}, stored);
  assert.deepEqual(result, { sequence: 7, duplicate: false });
  assert.deepEqual(ids, ["c1", "c1", "c1"]);
});

test("a command that the log already has is told as a duplicate", async () => {
  const { result } = await publish({ sequence: 7, duplicate: true });
  assert.deepEqual(result, { sequence: 7, duplicate: true });
});

test("a command that was refused at once, or not sent, has no effect", async () => {
  await assert.rejects(publish(full), isError("LOG_FULL", "none"));
  await assert.rejects(publish(noLeader), isError("NATS_UNAVAILABLE", "none"));
  await assert.rejects(publish(tooLarge), isError("TOO_LARGE", "none"));
  await assert.rejects(publish(closed), isError("NATS_UNAVAILABLE", "none"));
});

test("a command that was refused after an attempt without an answer may be stored all the same (A7)", async () => {
  await assert.rejects(publish(undefined, full), isError("NATS_UNAVAILABLE", "unknown"));
  await assert.rejects(publish(undefined, closed), isError("NATS_UNAVAILABLE", "unknown"));
});

test("a command that is never acknowledged may be stored (A7)", async () => {
  await assert.rejects(publish(undefined, undefined, undefined), isError("NATS_UNAVAILABLE", "unknown"));
});

test("commands of one turn of the event loop go over the connection in one piece", async () => {
  const pieces: number[] = [];
  let count = 0;
  const connection = {
    publish() {
      // As nats.js does: it writes at the next microtask.
      if (count++ === 0) {
        queueMicrotask(() => {
          pieces.push(count);
          count = 0;
        });
      }
    },
  };
  const expect = () => ({ subject: "inbox.1", answer: Promise.resolve(stored), abandon: () => {} });
  const first = publishCommand(connection, { expect }, command);
  await Promise.resolve();
  await Promise.all([first, publishCommand(connection, { expect }, command)]);
  assert.deepEqual(pieces, [2]);
});
