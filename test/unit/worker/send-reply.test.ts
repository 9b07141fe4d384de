import assert from "node:assert/strict";
import { test } from "node:test";
import { status as grpc } from "@grpc/grpc-js";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { replyOfMessage } from "../../../libs/commands/messages/reply.ts";
import { sendReply } from "../../../services/worker/processor/requests.ts";
import { receivedHeaders } from "../../fixtures/received-headers.ts";

const maxPayloadBytes = 10_000;

function sent(reply: Reply): Reply {
  const published: { data: Uint8Array; headers: MsgHdrs }[] = [];
  const connection = {
    publish: (_subject: string, data: unknown, options?: { headers?: MsgHdrs }) => {
      assert.ok(data instanceof Uint8Array);
      published.push({ data, headers: receivedHeaders(options?.headers) });
    },
  };
  sendReply({ connection, maxPayloadBytes }, "client", reply);
  const [message] = published;
  assert.ok(message && published.length === 1);
  return replyOfMessage(message);
}

test("a reply that is larger than NATS takes is replaced by one that says so", () => {
  const reply: Reply = {
    outcome: "applied",
    sequence: 7,
    grpcStatus: grpc.OK,
    detail: "",
    autoLearnedModel: "",
    data: new Uint8Array(5_000),
  };
  assert.deepEqual(sent(reply), reply);
  const large = sent({ ...reply, data: new Uint8Array(maxPayloadBytes) });
  assert.deepEqual([large.grpcStatus, large.data.length, large.sequence], [grpc.RESOURCE_EXHAUSTED, 0, 7]);
});
