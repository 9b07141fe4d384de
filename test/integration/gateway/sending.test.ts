import assert from "node:assert/strict";
import { after, before, beforeEach, mock, test } from "node:test";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { KeysInHand } from "../../../services/gateway/fleet/keys-in-hand.ts";
import { closeBackend } from "../../../services/gateway/open-backend.ts";
import type { GatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { startGatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { until } from "../../fixtures/until.ts";
import { responseOf } from "../../fixtures/worker-stand-in.ts";

let gateway: GatewayOnNats;
let keys = 0;
before(async () => {
  gateway = await startGatewayOnNats();
});
after(() => gateway?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await gateway.worker.report({});
  gateway.worker.onCommand = ({ method }) => ({ data: responseOf(method) });
  gateway.worker.onCancel = () => ({ outcome: "expired" });
});

const observe = (headers: Record<string, string> = {}) =>
  gateway.send("POST", "/p1/observe", { strings: ["a"] }, { prefer: "wait=2", ...headers });
const newKey = () => ({ "idempotency-key": `key ${++keys}` });
const expired = { outcome: "expired" } as const;

/** The record that the gateway has of a command. */
const foundOf = async (command: StoredCommand) => {
  const found = await gateway.backend.stores.outcomes.find("p1", command.id);
  assert.ok(found);
  return found;
};

test("what nobody saw the end of is told as unknown, with where to ask (A7)", async () => {
  gateway.worker.onCommand = () => ({ outcome: "unknown" });
  const { json } = await observe();
  assert.deepEqual([json.type, json.effect], ["urn:kato:problem:effect-unknown", "unknown"]);
  const asked = await gateway.send("GET", `/p1/commands/${json.command}`);
  assert.equal(asked.status, 200, asked.text);
});

test("an Observe that KATO failed at may have had an effect, an UpdateGenes had none (A7)", async () => {
  gateway.worker.onCommand = ({ method }) => ({
    outcome: "failed",
    data: responseOf(method, "FAILED", "no"),
  });
  assert.equal((await observe()).json.effect, "unknown");
  const genes = await gateway.send("POST", "/p1/genes/change", { genes: { persistence: 3 } });
  assert.equal(genes.json.effect, "none", genes.text);
});

test("a client that stops waiting has its command cancelled, and is told that it had no effect (A7)", async () => {
  gateway.worker.onCommand = () => undefined;
  const { status, json } = await observe({ prefer: "wait=1" });
  assert.deepEqual([status, json.effect], [504, "none"]);
});

test("a 202 has the place that JetStream has given the command (A6)", async () => {
  const { status, json } = await observe({ prefer: "respond-async" });
  assert.deepEqual([status, json.sequence], [202, await gateway.backend.logs.last("p1")]);
});

test("the answer of a request under a key is kept by the worker, and an outcome that it has kept stays", async (t) => {
  let sent: StoredCommand | undefined;
  gateway.worker.onCommand = (command) => {
    sent = command;
    return { data: responseOf(command.method) };
  };
  assert.equal((await observe(newKey())).status, 200);
  assert.equal(sent?.store, true);

  const { outcomes } = gateway.backend.stores;
  const create = mock.method(
    outcomes,
    "create",
    async (...[processor, record]: Parameters<typeof outcomes.create>) => {
      // The worker was quicker than the gateway's own note.
      const { command: id, method, once } = record;
      const applied = { ...record, state: "applied" as const, sequence: record.sequence };
      if (record.sequence > 0)
        await outcomes.put(processor, { ...applied, command: id, method, ...(once && { once }) });
      return record.sequence === 0;
    },
  );
  t.after(() => create.mock.restore());
  gateway.worker.onCommand = () => undefined;
  const later = await observe({ prefer: "respond-async" });
  const found = await outcomes.find("p1", String(later.json.command));
  assert.equal(found?.record.state, "applied", later.text);
});

test("a key whose gateway has died is free once the claim has ended, and the answer admits what may have been (A7)", async () => {
  let sent: StoredCommand | undefined;
  gateway.worker.onCommand = (command) => {
    sent = command;
    return expired;
  };
  const key = newKey();
  assert.equal((await observe(key)).json.effect, "none");
  assert.ok(sent);
  const { outcomes } = gateway.backend.stores;
  await outcomes.put("p1", recordOf(sent, "queued", 0, { heldUntilMs: Date.now() - 1 }));
  assert.equal((await observe(key)).json.effect, "unknown");
  await outcomes.put("p1", recordOf(sent, "queued", 0, { heldUntilMs: Date.now() - 1 }));
  gateway.worker.onCommand = ({ method }) => ({ data: responseOf(method) });
  assert.equal((await observe(key)).status, 200);
});

test("a key that another gateway has claimed is held while that gateway sends, and not when it has gone", async () => {
  let sent: StoredCommand | undefined;
  gateway.worker.onCommand = (command) => {
    sent = command;
    return expired;
  };
  const key = newKey();
  assert.equal((await observe(key)).json.effect, "none");
  assert.ok(sent?.once);
  const { attempt } = sent.once;
  gateway.worker.onCommand = ({ method }) => ({ data: responseOf(method) });
  const { stores, nats } = gateway.backend;
  const other = new KeysInHand(nats.connection);
  // Before 2.10 NATS does not tell its time, and then `heldUntilMs` counts.
  const held = { heldMs: 300_000, heldUntilMs: Date.now() + 300_000 };
  const claimedBy = (gateway: string) =>
    stores.outcomes.put("p1", recordOf(sent as StoredCommand, "queued", 0, { ...held, gateway }));

  await claimedBy(other.gateway);
  await other.whileSending(attempt, async () => {
    const { status, json } = await observe(key);
    assert.deepEqual([status, json.type], [409, "urn:kato:problem:key-running"]);
  });
  assert.equal((await observe(key)).status, 200);

  await claimedBy(other.gateway);
  await other.whileSending(attempt, async () => {
    // As when its process is killed.
    other.close();
    assert.equal((await observe(key)).status, 200);
  });
});

test("a request whose command was left out for another one of its key has the answer of that one", async () => {
  gateway.worker.onCommand = async (command) => {
    const data = responseOf(command.method);
    const reply = {
      outcome: "applied" as const,
      sequence: command.sequence,
      grpcStatus: 0,
      detail: "",
      autoLearnedModel: "",
      data,
    };
    await gateway.backend.stores.outcomes.put(
      "p1",
      recordOf(command, "applied", command.sequence, { reply }),
    );
    return { outcome: "failed", grpcStatus: grpc.ALREADY_EXISTS };
  };
  const { status, headers, text } = await observe(newKey());
  assert.deepEqual([status, headers["idempotency-replayed"]], [200, "true"], text);
});

test("a key is freed only where there was no effect, and only by the request that holds it", async () => {
  let sent: StoredCommand | undefined;
  gateway.worker.onCommand = (command) => {
    sent = command;
    return { outcome: "unknown" };
  };
  const key = newKey();
  assert.equal((await observe(key)).json.effect, "unknown");
  assert.ok(sent);
  assert.notEqual((await foundOf(sent)).record.state, "expired");

  gateway.worker.onCommand = async (command) => {
    sent = command;
    const once = { fingerprint: command.once?.fingerprint ?? "", attempt: "another" };
    await gateway.backend.stores.outcomes.put("p1", recordOf({ ...command, once }, "queued", 0));
    return expired;
  };
  await observe(newKey());
  assert.equal((await foundOf(sent)).record.state, "queued");
});

test("a command that counts as applied and whose outcome nobody has kept reads as unknown (A7)", async () => {
  gateway.worker.onCommand = () => undefined;
  const { json } = await observe({ prefer: "respond-async" });
  await gateway.worker.report({ applied: Number(json.sequence), last: Number(json.sequence) });
  const asked = await gateway.send("GET", `/p1/commands/${json.command}`);
  assert.equal(asked.json.state, "unknown", asked.text);
});

test("a query waits while its processor passes from one worker to another", async () => {
  const asking = gateway.send("GET", "/p1/working-memory", undefined, { prefer: "wait=5" });
  setTimeout(() => gateway.worker.takeQueries(), 100);
  let asked = 0;
  gateway.worker.onQuery = (method) =>
    ++asked === 1
      ? { outcome: "expired", grpcStatus: grpc.ABORTED }
      : { data: responseOf(method, "OKAY", "[]") };
  const { status, text } = await asking;
  assert.deepEqual([status, asked], [200, 2], text);
});

test("a query whose instance went away is told so, and one for a place that the log has not is refused", async () => {
  gateway.worker.onQuery = () => ({ outcome: "unknown", grpcStatus: grpc.UNKNOWN });
  const away = await gateway.send("GET", "/p1/working-memory");
  assert.equal(away.json.type, "urn:kato:problem:instance-unavailable", away.text);
  const beyond = await gateway.send("GET", "/p1/working-memory", undefined, { "kato-after": "100000" });
  assert.equal(beyond.status, 422, beyond.text);
});

test("a gateway that has just begun refuses nothing because it has heard of no worker, and one that hears none does", async (t) => {
  const another = await gateway.openAnother();
  t.after(() => closeBackend(another));
  assert.equal(another.states.isUnowned("p1"), false);
  await until("the silence is long enough", () => gateway.backend.states.isUnowned("p1"));
  assert.equal((await observe()).json.type, "urn:kato:problem:not-owned");
});
