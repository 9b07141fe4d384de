import assert from "node:assert/strict";
import { test } from "node:test";
import { status as grpc } from "@grpc/grpc-js";
import { encodeResponse } from "../../../libs/kato/codec.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { CallTelemetry } from "../../../services/worker/instance/call-telemetry.ts";
import { Instance } from "../../../services/worker/instance/instance.ts";
import { frequencyOf, insist, QuestionFailed } from "../../../services/worker/instance/questions.ts";
import { unreadableFrequency } from "../../../services/worker/model/intent.ts";
import { LeaseLost } from "../../../services/worker/model/interruptions.ts";

/** A connection to an instance that answers everything. */
class Port {
  ready = true;
  connections = 1;
  refusal = undefined;
  id = "p1";
  answer: CallResult | undefined;
  readonly calls: Method[] = [];

  connect = async () => this.ready;
  stateChange = async () => {};
  close = () => {};
  call = async (method: Method): Promise<CallResult> => {
    this.calls.push(method);
    const response = { status: "OKAY" as const, id: this.id, interval: 1, time_stamp: 0 };
    return this.answer ?? { kind: "response", bytes: encodeResponse(method, response) };
  };
}

function instanceOf(port: Port, lease = { held: true }): Instance {
  const telemetry = new CallTelemetry({ called: () => {}, reconnected: () => {} }, undefined);
  const log = { warn: () => {} };
  const clock = { monotonicMs: () => 0, unixMs: () => 0 };
  return new Instance({ processor: "p1", port, lease, callTimeoutMs: 1_000, telemetry, clock, log });
}

const nothing = new Uint8Array();
const isSent = async (instance: Instance) => (await instance.call("Learn", nothing)).kind !== "not-sent";

test("an instance is reconciled for the connection over which it was, and for no other (A5)", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  assert.equal(await instance.reconcile(0, async () => {}), true);
  assert.equal(await isSent(instance), true);
  port.connections++;
  assert.equal(instance.reconciled, false);
  assert.equal(await isSent(instance), false, "behind another connection may be another start");
  assert.equal(await instance.reconcile(0, async () => {}), true);
  assert.equal(await isSent(instance), true);
});

test("an instance whose connection changes while it is reconciled is not reconciled (A5)", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  const isReconciled = await instance.reconcile(0, async () => {
    port.connections++;
  });
  assert.deepEqual([isReconciled, instance.reconciled], [false, false]);
});

test("an instance that says that it is another processor's is not reconciled", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  port.id = "p2";
  assert.equal(await instance.reconcile(0, () => assert.fail("it is not looked at")), false);
  assert.match(instance.whyDown, /p2 answers/);
});

test("after a call whose end was not seen it is not known what the instance has (A3)", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  await instance.reconcile(0, async () => {});
  port.answer = { kind: "unseen", status: grpc.UNAVAILABLE, details: "gone" };
  await instance.call("Learn", nothing);
  assert.equal(instance.reconciled, false);
});

test("without the lease no call is made (A4)", async () => {
  const port = new Port();
  const lease = { held: true };
  const instance = instanceOf(port, lease);
  await instance.reconcile(0, async () => {});
  lease.held = false;
  await assert.rejects(instance.call("Learn", nothing), LeaseLost);
  assert.deepEqual(port.calls, ["Ping"]);
});

test("an instance that does not answer a probe is not there", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  await instance.reconcile(0, async () => {});
  assert.equal(await instance.probe(1), true);
  port.answer = { kind: "unseen", status: grpc.DEADLINE_EXCEEDED, details: "no answer" };
  assert.equal(await instance.probe(1), false);
  assert.equal(instance.reconciled, false);
});

test("whether the database is there is asked until it is", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  instance.suspectDatabase();
  const response = { status: "FAILED" as const, id: "p1", interval: 1, time_stamp: 0, message: "no MongoDB" };
  port.answer = { kind: "response", bytes: encodeResponse("ShowStatus", response) };
  assert.equal(await instance.probeDatabase(), false);
  assert.equal(instance.isDatabaseSuspected, true);
  port.answer = undefined;
  assert.equal(await instance.probeDatabase(), true);
  assert.equal(instance.isDatabaseSuspected, false);
});

test("the question for the database shows a restart and foreign calls as a Ping does (A5)", async () => {
  const port = new Port();
  const instance = instanceOf(port);
  await instance.reconcile(0, async () => {});
  assert.equal(await instance.probeDatabase(1), true);
  assert.equal(instance.reconciled, true);
  assert.equal(await instance.probeDatabase(2), true);
  assert.equal(instance.reconciled, false);
});

test("a question that KATO fails at is not answered, and a model too large to be read is not unknown", async () => {
  const port = new Port();
  const response = { status: "FAILED" as const, id: "p1", interval: 1, time_stamp: 0, message: "no MongoDB" };
  port.answer = { kind: "response", bytes: encodeResponse("UpdateGenes", response) };
  await assert.rejects(insist(port, "UpdateGenes", { genes: {} }), QuestionFailed);
  port.answer = { kind: "answered", status: grpc.RESOURCE_EXHAUSTED, details: "larger than 4 MiB" };
  assert.equal(await frequencyOf(port, "some model"), unreadableFrequency);
  assert.equal(await frequencyOf(port, ""), 0);
});
