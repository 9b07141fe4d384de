import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { untilAnswered } from "../../../libs/nats/until-answered.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import { Registry } from "../../../libs/registry/registry.ts";
import type { NatsCluster } from "../../fixtures/nats-cluster.ts";
import { startNatsCluster } from "../../fixtures/nats-cluster.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
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

  test("changes of the registry are seen although the server that told of them is gone", async (t) => {
    const bucket = await openBucket(cluster.connection, "registry", 3);
    const manager = await jetstreamManager(cluster.connection);
    let registry: Registry | undefined;
    let teller: TestNatsServer | undefined;
    await until("another server tells of it than that of the connection", async () => {
      registry?.close();
      registry = await Registry.open(bucket, cluster.connection);
      const watches = await manager.consumers.list("KV_kato-registry").next();
      // The consumers of earlier tries are still there.
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

  test("what is begun while the cluster has no majority waits until it has one", async () => {
    await logs.ensure("p1");
    // The server of this connection hears of the log a moment after the one that has created it.
    const command = { id: "one", processor: "p1", method: "Observe", data: new Uint8Array() };
    await until("it is stored", () => logs.append(command));
    // The server that stays has to have its replica.
    await cluster.untilWhole();
    const [, ...away] = cluster.nodes;
    await Promise.all(away.map((node) => node.kill()));
    const said: object[] = [];
    const log = { info: () => {}, warn: (fields: object) => said.push(fields) };
    const begun = untilAnswered(() => openBucket(cluster.connection, "leases", 3, 3_000), {
      log,
      stopping: new AbortController().signal,
    });
    await until("it says that JetStream does not answer", () => said.length > 1, 60_000);
    await assert.rejects(logs.delete("p1", 1), "what may still be there is not taken for gone");
    const manager = await jetstreamManager(cluster.connection, { checkAPI: false });
    const isWithoutLeader = async () => !(await manager.streams.info(streamOf("p1"))).cluster?.leader;
    // A server tells what it has of a log without a leader, or, once it has been alone for longer, that it
    // cannot tell anything. Either is no answer.
    const isTold = await until("a server tells what it has", isWithoutLeader, 20_000).catch(() => false);
    const refusal = isTold ? /no leader/ : /unavailable|timeout|no leader/;
    await assert.rejects(logs.last("p1"), refusal, "it may be behind");
    await Promise.all(away.map((node) => node.restart()));
    await begun;
  });
});
