import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KV } from "@nats-io/kv";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { LogIdentity } from "../../../libs/commands/log/log-identity.ts";
import { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import { IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { OutcomeStore } from "../../../libs/commands/outcomes/outcome-store.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { NatsLink } from "../../../libs/nats/connection.ts";
import { StoreTime } from "../../../libs/nats/store-time.ts";
import { Registry } from "../../../libs/registry/registry.ts";
import { createLogger } from "../../../libs/telemetry/logger.ts";
import { LateCallBoard } from "../../../services/worker/assignment/late-call-board.ts";
import { clockWith } from "../../../services/worker/model/clock.ts";
import { OutcomeRecorder } from "../../../services/worker/outcomes/outcome-recorder.ts";
import { Worker } from "../../../services/worker/worker.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

const count = 80;
const leaseMs = 10_000;
const log = createLogger("test", "silent");
let nats: TestNatsServer;
let link: NatsLink;
let registry: Registry;
let leases: KV;
before(async () => {
  nats = await startNats();
  const stopping = new AbortController().signal;
  link = (await NatsLink.open({
    servers: [nats.url],
    credentials: undefined,
    replicas: 1,
    name: "test",
    log,
    stopping,
  })) as NatsLink;
  registry = await Registry.open(await openBucket(link.connection, "registry", 1), link.connection);
  leases = await openBucket(link.connection, "leases", 1, leaseMs);
  for (let index = 0; index < count; index++) {
    const id = `p${index}`;
    // Nothing listens there.
    await registry.put({ id, name: id, grpc_endpoint: "127.0.0.1:9", source: "environment" });
  }
});
after(async () => {
  registry?.close();
  await link?.close();
  await nats?.stop();
});

/** Starts a worker that takes its leases by `create`. */
async function startWorker(create: (key: string) => Promise<number>): Promise<Worker> {
  const { connection } = link;
  const taking = new Proxy(leases, {
    get(bucket, name) {
      if (name === "create") return create;
      const value = Reflect.get(bucket, name);
      return typeof value === "function" ? value.bind(bucket) : value;
    },
  });
  return Worker.start({
    name: "w",
    nats: link,
    room: { stateWith: () => "ample" },
    stores: {
      logs: await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 }),
      identity: await LogIdentity.open(connection),
      checkpoints: await openBucket(connection, "checkpoints", 1),
      ingestions: new IngestionStore(await openBucket(connection, "ingestions", 1)),
      outcomes: new OutcomeRecorder({
        outcomes: await OutcomeStore.open(connection, 1),
        letters: await DeadLetters.open(connection, 1),
        maxPayloadBytes: () => link.maxPayloadBytes,
        isShort: () => false,
        clock: clockWith({ nowMs: Date.now }),
        log,
      }),
      lateCalls: await LateCallBoard.open(await openBucket(connection, "lateCalls", 1), log),
      leases: taking,
      registry,
    },
    settings: {
      natsReplicas: 1,
      leaseMs,
      endpointPolicy: async () => undefined,
      processors: "*",
      callTimeoutMs: 1_000,
      mendsForeignCalls: true,
      history: { commands: 10, ageMs: 0 },
      trimEveryMs: 10_000,
    },
    tracing: undefined,
    storeTime: new StoreTime(log),
    log,
  });
}

test("of many processors only 32 are started at once", async (t) => {
  let underWay = 0;
  let most = 0;
  const worker = await startWorker(async (key) => {
    most = Math.max(most, ++underWay);
    try {
      return await leases.create(key, "w");
    } finally {
      underWay--;
    }
  });
  t.after(() => worker.stop());
  await until("all are run", () => worker.states.length === count);
  assert.equal(most, 32);
});

test("processors whose leases are held by others delay no other one, and are not tried without end", async (t) => {
  const asked = new Map<string, number>();
  // The first ones by id, and more than are started at once.
  const refused = new Set(
    registry
      .list()
      .slice(0, 40)
      .map(({ id }) => id),
  );
  const worker = await startWorker((key) => {
    asked.set(key, (asked.get(key) ?? 0) + 1);
    return refused.has(key) ? Promise.reject(new Error("taken")) : leases.create(key, "w");
  });
  t.after(() => worker.stop());
  await until("the others are run", () => worker.states.length === count - refused.size);
  assert.ok(worker.states.every(({ processor }) => !refused.has(processor)));
  const most = Math.max(...asked.values());
  assert.ok(most <= 5, `asked for ${most} times`);
});
