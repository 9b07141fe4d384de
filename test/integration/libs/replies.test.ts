import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect, headers } from "@nats-io/transport-node";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { headersOfReply, replyOfMessage } from "../../../libs/commands/messages/reply.ts";
import { Inbox } from "../../../libs/nats/inbox.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
let gateway: NatsConnection;
let worker: NatsConnection;
before(async () => {
  nats = await startNats();
  const options = { servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 };
  [gateway, worker] = await Promise.all([connect(options), connect(options)]);
});
after(async () => {
  await Promise.all([gateway?.close(), worker?.close()]);
  await nats?.stop();
});

const applied: Reply = {
  outcome: "applied",
  sequence: 7,
  grpcStatus: 0,
  detail: "",
  autoLearnedModel: "MODEL|x",
  data: new Uint8Array([1, 2, 0, 255]),
};
const send = (subject: string, reply: Reply) =>
  worker.publish(subject, reply.data, { headers: headersOfReply(reply) });
const plain = (reply: Reply | undefined) => reply && { ...reply, data: [...reply.data] };
const openReplies = async () => {
  const replies = new Inbox(gateway, replyOfMessage);
  await gateway.flush();
  return replies;
};

test("each reply reaches the one that waits for it, unchanged", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  const first = replies.expect(5_000);
  const second = replies.expect(5_000);
  assert.notEqual(first.subject, second.subject);
  const failed: Reply = {
    ...applied,
    outcome: "failed",
    grpcStatus: 13,
    detail: "it\nbroke\r\n in two",
    sequence: 0,
  };
  send(second.subject, failed);
  send(first.subject, applied);
  assert.deepEqual(plain(await first.answer), plain(applied));
  assert.deepEqual(plain(await second.answer), plain({ ...failed, detail: "it broke in two" }));
});

test("two gateways have inboxes of their own", async (t) => {
  const [one, other] = [await openReplies(), await openReplies()];
  t.after(() => {
    for (const replies of [one, other]) replies.close();
  });
  const [mine, yours] = [one.expect(5_000), other.expect(5_000)];
  assert.notEqual(mine.subject, yours.subject);
  send(yours.subject, applied);
  assert.equal((await yours.answer)?.sequence, 7);
  send(mine.subject, { ...applied, sequence: 8 });
  assert.equal((await mine.answer)?.sequence, 8);
});

test("without a reply the result is undefined when the time is over, and not before", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isOver = false;
  const { answer } = replies.expect(150);
  void answer.then(() => {
    isOver = true;
  });
  t.mock.timers.tick(149);
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  t.mock.timers.tick(1);
  assert.equal(await answer, undefined);
});

test("after it is abandoned the result is undefined, and the reply goes to nobody", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  const abandoned = replies.expect(5_000);
  abandoned.abandon();
  assert.equal(await abandoned.answer, undefined);
  send(abandoned.subject, applied);
  const next = replies.expect(5_000);
  send(next.subject, { ...applied, sequence: 9 });
  assert.equal((await next.answer)?.sequence, 9);
});

test("the first of two replies counts", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  const { subject, answer } = replies.expect(5_000);
  send(subject, applied);
  send(subject, { ...applied, sequence: 8 });
  assert.equal((await answer)?.sequence, 7);
});

test("a message without a valid outcome is read as unknown", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  for (const outcome of [undefined, "", "certain", "constructor"]) {
    const { subject, answer } = replies.expect(5_000);
    const all = headers();
    if (outcome !== undefined) all.set("Kato-Outcome", outcome);
    worker.publish(subject, "x", outcome === undefined ? {} : { headers: all });
    assert.equal((await answer)?.outcome, "unknown");
  }
});

test("closing ends all waiting", async () => {
  const replies = await openReplies();
  const waiting = [replies.expect(60_000), replies.expect(60_000)];
  replies.close();
  assert.deepEqual(await Promise.all(waiting.map(({ answer }) => answer)), [undefined, undefined]);
});

test("a reply is received after a restart of NATS", async (t) => {
  const replies = await openReplies();
  t.after(() => replies.close());
  const { subject, answer } = replies.expect(10_000);
  await nats.restart();
  await until("both are connected", () => Promise.all([gateway.flush(), worker.flush()]).then(() => true));
  send(subject, applied);
  assert.equal((await answer)?.sequence, 7);
});
