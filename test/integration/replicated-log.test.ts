import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import type { Command } from "../../libs/commands/command.ts";
import { CommandLogs } from "../../libs/commands/log.ts";
import { LogWriter } from "../../libs/commands/log-writer.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { freePort, until } from "../fixtures/system.ts";

const command = (id: string): Command => {
  return { id, processor: "p1", method: "Observe", data: Buffer.from(id), ingestion: "bulk" };
};

test("a log of three replicas takes bulk commands in order with others' between them, and more afterwards", async (t) => {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  const nodes = await Promise.all(
    ports.map((port, index) =>
      startNats({
        config: [
          `server_name: n${index}`,
          `cluster { name: kato, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        ],
      }),
    ),
  );
  t.after(() => Promise.all(nodes.map((node) => node.stop())));
  const connection = await connect({ servers: nodes.map(({ url }) => url) });
  t.after(() => connection.close());
  const logs = await CommandLogs.open(connection, { replicas: 3, maxBytes: -1 });
  await until("there is a leader that creates the log", async () => {
    await logs.ensure("p1");
    return logs.isReplicated("p1");
  });

  const stored: string[] = [];
  const writer = new LogWriter({
    connection,
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
  const inLog: string[] = [];
  for await (const { id } of logs.readRange("p1", 1, 1_000)) inLog.push(id);
  assert.deepEqual(
    inLog.filter((id) => id.startsWith("bulk.")),
    bulk,
  );
  assert.deepEqual([inLog.length, inLog.at(-1)], [bulk.length + others.length + 1, "last"]);
});
