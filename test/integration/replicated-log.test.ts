import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Command } from "../../libs/commands/command.ts";
import { CommandLogs } from "../../libs/commands/log.ts";
import { LogWriter } from "../../libs/commands/log-writer.ts";
import { streamOf } from "../../libs/commands/names.ts";
import type { NatsCluster } from "../fixtures/nats-cluster.ts";
import { startNatsCluster } from "../fixtures/nats-cluster.ts";

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
    for (let reads = 0; reads < 8; reads++) assert.deepEqual(await idsIn("behind", ids.length), ids);
  }
});

async function idsIn(processor: string, through: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of logs.readRange(processor, 1, through)) ids.push(id);
  return ids;
}
