import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { commandOfMessage, headersOfCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { headersOfReply, maxDataBytes, replyOfMessage } from "../../../libs/commands/messages/reply.ts";
import { receivedHeaders } from "../../fixtures/received-headers.ts";

const whole: Command = {
  id: "c1",
  processor: "p1",
  method: "UpdateGenes",
  data: new Uint8Array([1, 2]),
  replyTo: "_INBOX.x.1",
  deadlineMs: 1_795_411_800_250,
  ingestion: "i1",
  store: true,
  form: "data",
  sender: "127.0.0.1",
};

function read(command: Command) {
  const message = {
    seq: 7,
    data: command.data,
    headers: receivedHeaders(headersOfCommand(command)),
    time: new Date(1_000),
  };
  return commandOfMessage("p1", message);
}

test("a command is read as it was sent, with its place in the log", () => {
  assert.deepEqual(read(whole), { ...whole, sequence: 7, storedAtMs: 1_000 });
  const { id, processor, method, data } = whole;
  const bare = { id, processor, method, data };
  assert.deepEqual(read(bare), { ...bare, sequence: 7, storedAtMs: 1_000 });
});

test("the time at which a command was stored is exact, whoever tells it", () => {
  const message = { seq: 7, data: new Uint8Array(), headers: undefined };
  const told = commandOfMessage("p1", { ...message, time: new Date("2026-11-27T03:27:01.136999999Z") });
  // As a number these nanoseconds are 1795750021137000000.
  const delivered = commandOfMessage("p1", { ...message, timestampNanos: 1_795_750_021_136_999_999n });
  assert.equal(delivered.storedAtMs, 1_795_750_021_136);
  assert.equal(told.storedAtMs % 1_000, 136);
});

test("each attempt under an Idempotency-Key is a message of its own for JetStream, and has the same id (A2)", () => {
  const attempts = ["x", "y"].map((attempt) => ({ ...whole, once: { fingerprint: "f", attempt } }));
  const messageIds = new Set(
    attempts.map((command) => receivedHeaders(headersOfCommand(command)).get("Nats-Msg-Id")),
  );
  assert.equal(messageIds.size, 2);
  for (const command of attempts) {
    const { id, once } = read(command);
    assert.deepEqual({ id, once }, { id: "c1", once: command.once });
  }
});

const reply: Reply = {
  outcome: "failed",
  sequence: 7,
  interval: 0,
  grpcStatus: 13,
  detail: "it broke",
  autoLearnedModel: "MODEL|x",
  atMs: 1_000,
  data: new Uint8Array([1]),
};

test("a reply is read as it was sent, and what it leaves out stays out", () => {
  const received = (sent: Reply) =>
    replyOfMessage({ data: sent.data, headers: receivedHeaders(headersOfReply(sent)) });
  assert.deepEqual(received(reply), reply);
  const { interval: _, atMs: __, ...bare } = reply;
  assert.deepEqual(received(bare), bare);
  assert.equal(received({ ...reply, detail: "it\nbroke" }).detail, "it broke");
});

test("a message that is no reply says nothing of what became of a command (A7)", () => {
  assert.equal(replyOfMessage({ data: new Uint8Array() }).outcome, "unknown");
});

test("the largest data leaves room for the headers of any command and reply", () => {
  const [commandHeaders, replyHeaders] = [headersOfCommand(whole), headersOfReply(reply)];
  for (const headers of [commandHeaders, replyHeaders]) {
    assert.ok(maxDataBytes(1_000_000) + String(receivedHeaders(headers)).length < 1_000_000);
  }
  assert.ok(maxDataBytes(1_000_000) > 990_000);
});
