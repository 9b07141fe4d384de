import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { backUp } from "../../../libs/backup/back-up.ts";
import { restore } from "../../../libs/backup/restore.ts";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { LogWriter } from "../../../libs/commands/log/log-writer.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { OutcomeStore, recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { assertWholeBatches, hasBatches } from "../../fixtures/batches.ts";
import type { NatsCluster } from "../../fixtures/nats-cluster.ts";
import { startNatsCluster } from "../../fixtures/nats-cluster.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";
import { whyNoReplicas } from "../../fixtures/why-no-replicas.ts";

describe("a cluster of three nats-servers", { skip: whyNoReplicas() }, () => {
  let cluster: NatsCluster;
  let logs: CommandLogs;
  before(async () => {
    cluster = await startNatsCluster();
    logs = await CommandLogs.open(cluster.connection, { replicas: 3, maxBytes: -1 });
  });
  after(() => cluster?.stop());

  const command = (id: string, processor = "p1"): Command => {
    return { id, processor, method: "Observe", data: Buffer.from(id), ingestion: "bulk" };
  };

  test("a log of three replicas takes bulk commands in order, with others between them and after them", async (t) => {
    await logs.ensure("p1");
    // The server that this process is connected to may not know of the log yet.
    await until("the log takes a command", () => logs.append(command("first")));
    const log = await logs.publishing("p1");
    assert.equal(log.isReplicated, true);
    const stored: string[] = [];
    const writer = new LogWriter({
      connection: cluster.connection,
      session: () => 1,
      processor: "p1",
      log,
      onStored: ({ id }) => stored.push(id),
    });
    t.after(() => writer.close());
    const bulk = Array.from({ length: 200 }, (_, index) => `bulk.${index}`);
    const others: Promise<unknown>[] = [];
    for (const [index, id] of bulk.entries()) {
      writer.add(command(id));
      if (index % 10 === 0) others.push(logs.append(command(`other.${index}`)));
    }
    await Promise.all(others);
    await writer.settle();
    await logs.append(command("last"));

    assert.deepEqual(stored, bulk);
    const inLog = await idsIn("p1", 1_000);
    assert.deepEqual(
      inLog.filter((id) => id.startsWith("bulk.")),
      bulk,
    );
    assert.deepEqual([inLog.length, inLog.at(-1)], [bulk.length + others.length + 2, "last"]);
  });

  test("a batch in which the leader is killed is stored whole or not at all, and every receipt is right (A6)", {
    skip: !hasBatches(),
  }, async (t) => {
    await logs.ensure("killed");
    const stored: string[] = [];
    const writer = new LogWriter({
      connection: cluster.connection,
      session: () => 1,
      processor: "killed",
      log: await logs.publishing("killed"),
      onStored: ({ id }) => stored.push(id),
      patienceMs: 60_000,
    });
    t.after(() => writer.close());
    const bulk = Array.from({ length: 6_000 }, (_, index) => `bulk.${index}`);
    for (const [index, id] of bulk.entries()) {
      writer.add(command(id, "killed"));
      if (writer.isFull) await writer.room();
      if (index !== 4_000) continue;
      const leader = await cluster.leaderOf(streamOf("killed"));
      await leader.kill();
      await leader.restart();
    }
    await writer.settle();
    assert.deepEqual(stored, bulk);
    // While a new leader is elected no consumer can be made.
    await cluster.untilWhole();
    assert.deepEqual(await idsIn("killed", 10_000), bulk);
    assert.ok((await assertWholeBatches(cluster.connection, "killed")) > 0);
  });

  test("a part of the log is read completely, even from a replica that is behind", async () => {
    await logs.ensure("behind");
    const ids: string[] = [];
    for (let round = 0; round < 2; round++) {
      const leader = await cluster.leaderOf(streamOf("behind"));
      const follower = cluster.nodes.find((node) => node !== leader);
      await follower?.kill();
      for (let index = 0; index < 50; index++) {
        const id = `command.${ids.length}`;
        ids.push(id);
        await logs.append(command(id, "behind"));
      }
      await follower?.restart();
      // The server chooses the replica that each of them is read from.
      for (let reads = 0; reads < 8; reads++) {
        assert.deepEqual(await until("it can be read", () => idsIn("behind", ids.length)), ids);
      }
      await cluster.untilWhole();
    }
  });

  test("of several that change the same revision of a record one succeeds, and the others are told", async () => {
    const outcomes = await OutcomeStore.open(cluster.connection, 3);
    const record = recordOf(command("contended"), "queued", 1);
    assert.equal(await outcomes.create("p1", record), true);
    for (let round = 0; round < 20; round++) {
      const found = await outcomes.find("p1", record.command);
      const writers = Array.from({ length: 4 }, (_, index) =>
        outcomes.replace("p1", { ...record, atMs: index }, found?.revision ?? 0),
      );
      assert.deepEqual((await Promise.all(writers)).toSorted(), [false, false, false, true]);
    }
  });

  test("a backup of a log of three replicas is restored into a single nats-server, with one", async (t) => {
    await logs.ensure("saved");
    await Promise.all(Array.from({ length: 50 }, (_, index) => logs.append(command(`s.${index}`, "saved"))));
    await openBucket(cluster.connection, "registry", 3);
    const outcomes = await OutcomeStore.open(cluster.connection, 3);
    await outcomes.put("saved", recordOf(command("s.1"), "queued", 1));
    const common = { stopping: new AbortController().signal, progress: () => {} };
    const folder = temporaryFolder(t);
    const { processors } = await backUp({ connection: cluster.connection, folder, ...common });
    assert.equal(processors.find(({ id }) => id === "saved")?.entries, 1);

    const nats = await startNats();
    t.after(() => nats.stop());
    const connection = await connect({ servers: nats.url });
    await assert.rejects(restore({ connection, folder, replicas: undefined, ...common }), /replicas/);
    await restore({ connection, folder, replicas: 1, ...common });
    const restored = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
    assert.equal(await restored.last("saved"), 50);
    assert.equal((await restored.publishing("saved")).isReplicated, false);
    assert.notEqual(await (await OutcomeStore.open(connection, 1)).find("saved", "s.1"), undefined);
    await connection.close();
  });

  async function idsIn(processor: string, through: number): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of logs.readRange(processor, 1, through)) ids.push(id);
    return ids;
  }
});
