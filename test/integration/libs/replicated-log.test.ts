import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { LogWriter } from "../../../libs/commands/log/log-writer.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { OutcomeStore, recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { untilAnswered } from "../../../libs/nats/requests.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import { Registry } from "../../../libs/registry/registry.ts";
import type { NatsCluster } from "../../fixtures/nats-cluster.ts";
import { startNatsCluster } from "../../fixtures/nats-cluster.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { noReplicas } from "../../fixtures/no-replicas.ts";
import { until } from "../../fixtures/until.ts";

describe("a cluster of three", { skip: noReplicas() }, () => {
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

  test("a log of three replicas takes bulk commands in order with others' between them, and more afterwards", async (t) => {
    await logs.ensure("p1");
    assert.equal(await logs.isReplicated("p1"), true);
    const stored: string[] = [];
    const writer = new LogWriter({
      connection: cluster.connection,
      session: () => 1,
      processor: "p1",
      pipelined: !(await logs.isReplicated("p1")),
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
    assert.deepEqual([inLog.length, inLog.at(-1)], [bulk.length + others.length + 1, "last"]);
  });

  test("a part of the log is read whole, also where a replica is behind", async () => {
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
      // The replica that each of them is read from is the server's choice.
      for (let reads = 0; reads < 8; reads++) {
        let read: string[] = [];
        await until("it can be read", async () => {
          read = await idsIn("behind", ids.length);
          return true;
        });
        assert.deepEqual(read, ids);
      }
      await cluster.untilWhole();
    }
  });

  test("of two that change a record of the same revision at a time one does, and the other is told", async () => {
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

  test("the registry is followed also where the server that told of it is gone, and another one stands", async (t) => {
    const bucket = await openBucket(cluster.connection, "registry", 3);
    const manager = await jetstreamManager(cluster.connection);
    let registry: Registry | undefined;
    let teller: TestNatsServer | undefined;
    await until("another server tells of it than that of the connection", async () => {
      registry?.close();
      registry = await Registry.open(bucket, cluster.connection);
      const watches = await manager.consumers.list("KV_kato-registry").next();
      // Those of the tries before are still there.
      const watch = watches.toSorted((a, b) => a.created.localeCompare(b.created)).at(-1);
      teller = cluster.nodeOf(watch?.cluster?.leader);
      return teller !== undefined && !teller.url.endsWith(cluster.connection.getServer());
    });
    t.after(() => registry?.close());
    await teller?.kill();
    const entry: ProcessorEntry = { id: "p1", name: "p1", grpc_endpoint: "127.0.0.1:1", source: "rest" };
    await until("it can be written", async () => (await bucket.put("p1", JSON.stringify(entry))) > 0);
    await until("it is seen", () => registry?.get("p1") !== undefined);
    await teller?.restart();
    await cluster.untilWhole();
  });

  test("what begins while the cluster has no majority waits for it", async () => {
    const [, ...away] = cluster.nodes;
    await Promise.all(away.map((node) => node.kill()));
    const said: object[] = [];
    const log = { info: () => {}, warn: (fields: object) => said.push(fields) };
    const begun = untilAnswered(() => openBucket(cluster.connection, "leases", 3, 3_000), {
      log,
      stopping: new AbortController().signal,
    });
    await until("it says that JetStream does not answer", () => said.length > 1, 60_000);
    await assert.rejects(logs.delete("behind", 1), "what may still be there is not taken for gone");
    const manager = await jetstreamManager(cluster.connection, { checkAPI: false });
    const isWithoutLeader = async () => !(await manager.streams.info(streamOf("behind"))).cluster?.leader;
    await until("a server tells what it has of a log without a leader", isWithoutLeader, 60_000);
    await assert.rejects(logs.last("behind"), /no leader/, "it may be behind");
    await Promise.all(away.map((node) => node.restart()));
    await begun;
  });

  async function idsIn(processor: string, through: number): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of logs.readRange(processor, 1, through)) ids.push(id);
    return ids;
  }
});
