import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { isStoreFull } from "../../../libs/nats/errors.ts";
import { StoreRoom } from "../../../libs/nats/store-room.ts";
import { createLogger } from "../../../libs/telemetry/logger.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";

const megabyte = 1024 ** 2;
const log = createLogger("test", "silent");

let nats: TestNatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let room: StoreRoom;
beforeEach(async () => {
  nats = await startNats({ jetstream: ["max_file_store: 10MB"] });
  connection = await connect({ servers: nats.url });
  manager = await jetstreamManager(connection);
  room = await StoreRoom.open({ connection, maxBytes: 0, reservePercent: 10, replicas: 1, log });
});
afterEach(async () => {
  room.close();
  await connection.close();
  await nats.stop();
});

/** Fills a stream until this much is used. */
async function fill(bytes: number): Promise<void> {
  await manager.streams.add({ name: "filling", subjects: ["filling"] });
  while (room.usedBytes < bytes) {
    await jetstream(connection).publish("filling", new Uint8Array(100_000));
    await room.ask();
  }
}

function assertCapacity(): void {
  const off = Math.abs((room.capacityBytes ?? 0) - 10 * megabyte);
  assert.ok(off <= 64 * 1024, `${room.capacityBytes}`);
}

test("the capacity is what JetStream was started with, whatever streams have reserved", async () => {
  assertCapacity();
  assert.ok(Math.abs((room.reserveBytes ?? 0) - megabyte) < 10_000);
  await manager.streams.add({ name: "reserved", subjects: ["reserved"], max_bytes: 2 * megabyte });
  room.forgetCapacity();
  await room.ask();
  assertCapacity();
  await manager.streams.delete("reserved");
  await manager.streams.add({ name: "reserved", subjects: ["reserved"], max_bytes: megabyte });
  room.forgetCapacity();
  await room.ask();
  assertCapacity();
  const names: string[] = [];
  for await (const name of manager.streams.names()) names.push(name);
  assert.deepEqual(names.sort(), ["KATO-CAPACITY", "reserved"], "asking creates nothing else");
});

test("a capacity that has not changed is found by a few requests", async () => {
  let requests = 0;
  const counter = await connect({ servers: nats.url });
  counter.subscribe("$JS.API.STREAM.CREATE.KATO-CAPACITY-PROBE", { callback: () => void requests++ });
  await counter.flush();
  room.forgetCapacity();
  await room.ask();
  await counter.flush();
  await counter.close();
  assertCapacity();
  assert.equal(requests, 3);
});

test("a capacity that is set counts, and JetStream is not asked for one", async () => {
  const set = { connection, maxBytes: 5 * megabyte, reservePercent: 20, replicas: 3, log };
  const other = await StoreRoom.open(set);
  other.close();
  assert.deepEqual([other.capacityBytes, other.reserveBytes], [5 * megabyte, megabyte]);
  assert.equal(other.perLogBytes, 2 * megabyte);
  await fill(3 * megabyte);
  await other.ask();
  assert.ok(Math.abs(other.usedBytes - megabyte) < 100_000, "each byte of three replicas counts once");
});

test("the room is ample, tight, short and spent, one after the other", async () => {
  const states = [room.stateWith()];
  for (const megabytes of [8.2, 9.2, 9.7]) {
    await fill(megabytes * megabyte);
    states.push(room.stateWith());
  }
  assert.deepEqual(states, ["ample", "tight", "short", "spent"]);
  await manager.streams.purge("filling");
  await room.ask();
  assert.equal(room.stateWith(), "ample");
  assert.equal(room.stateWith(9 * megabyte), "short");
  room.wrote(9 * megabyte);
  assert.equal(room.stateWith(), "short", "what was just written counts");
});

test("in a storage that is really full a command is refused without effect, and so is a key; a purge helps", async () => {
  const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
  await logs.ensure("p1");
  const leases = await openBucket(connection, "leases", 1);
  await assert.rejects(fill(20 * megabyte), isStoreFull);
  const command: Command = { id: "c", processor: "p1", method: "Observe", data: new Uint8Array(10) };
  await assert.rejects(
    logs.append(command),
    (error) =>
      error instanceof GatewayError && error.code === "STORE_FULL" && error.context.effect === "none",
  );
  await assert.rejects(leases.put("p1", "w"), isStoreFull);
  await manager.streams.purge("filling");
  assert.equal((await logs.append(command)).sequence, 1);
  await leases.put("p1", "w");
});

test("a log that is made anew begins above what was applied, and above what its maker knows of", async () => {
  const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
  const checkpoints = await openBucket(connection, "checkpoints", 1);
  await checkpoints.put("p1", JSON.stringify({ applied: 41 }));
  const append = async (processor: string) =>
    (await logs.append({ id: "c", processor, method: "Observe", data: new Uint8Array() })).sequence;
  await logs.ensure("p1");
  assert.equal(await append("p1"), 42);
  await logs.ensure("p1", 100);
  assert.equal(await append("p1"), 42, "a log that is there stays, and so the id is known");
  await logs.remove("p1");
  await Promise.all([logs.ensure("p1", 42), logs.ensure("p1", 42)]);
  assert.equal(await append("p1"), 43);
  await logs.ensure("p2");
  assert.equal(await append("p2"), 1);
  await logs.remove("p2");
  await logs.remove("p2");
});

test("dead letters are limited once, and never below what they take already", async () => {
  const letters = await DeadLetters.open(connection, 1);
  const limit = async () => (await manager.streams.info("KATO-DEAD-LETTERS")).config.max_bytes;
  await letters.limit(1_000_000);
  assert.equal(await limit(), 1_000_000);
  await letters.limit(2_000_000);
  assert.equal(await limit(), 1_000_000);
});
