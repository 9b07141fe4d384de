import assert from "node:assert/strict";
import { test } from "node:test";
import type { RebuildAnswer } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";

const survey = { from: 1, through: 2, commands: 2, observes: 2, learns: 0 };
const headers = { prefer: "wait=1" };

/** A gateway whose registry says whether the processor is paused, and whose worker gives these answers. */
function gatewayWith(paused: boolean, answers: RebuildAnswer[]) {
  let asked = 0;
  const request = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    return { json: () => answer };
  };
  const backend = {
    registry: { get: () => ({ paused }) },
    nats: { connected: true, connection: { request } },
  };
  const app = buildGatewayApp({ backend: () => backend as unknown as Backend });
  return { ...app, asked: () => asked };
}

test("a processor that was resumed is rebuilt, although its worker has not heard of that yet", async (t) => {
  const { send, close } = gatewayWith(false, [{ kind: "paused" }, { kind: "replaying", survey }]);
  t.after(close);
  const answer = await send("POST", "/processors/p1/rebuild", { from: 1 }, headers);
  assert.equal(answer.status, 202, answer.text);
});

test("a processor that is paused is not rebuilt, and its worker is asked only once", async (t) => {
  const { send, close, asked } = gatewayWith(true, [{ kind: "paused" }]);
  t.after(close);
  const { json } = await send("POST", "/processors/p1/rebuild", { from: 1 }, headers);
  assert.equal(json.type, "urn:kato:problem:paused");
  assert.equal(asked(), 1);
});

test("a worker that goes on saying that the processor is paused is believed in the end", async (t) => {
  const { send, close, asked } = gatewayWith(false, [{ kind: "paused" }]);
  t.after(close);
  const { json } = await send("POST", "/processors/p1/rebuild", { from: 1 }, headers);
  assert.equal(json.type, "urn:kato:problem:paused");
  assert.ok(asked() > 1);
});
