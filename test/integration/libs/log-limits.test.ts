import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { commandSubject, streamOf } from "../../../libs/commands/messages/subjects.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let logs: CommandLogs;
before(async () => {
  nats = await startNats();
  connection = await connect({ servers: nats.url });
  manager = await jetstreamManager(connection);
  logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

const append = (processor: string, id: string) =>
  logs.append({ id, processor, method: "Learn", data: new Uint8Array() });

test("JetStream knows a command's id for longer than its gateway sends it again (A2)", async () => {
  await logs.ensure("known");
  const { config } = await manager.streams.info(streamOf("known"));
  assert.equal(config.duplicate_window, 120_000_000_000);
});

test("a command that NATS does not remove does not count as removed (A2)", async () => {
  await manager.streams.add({
    name: streamOf("locked"),
    subjects: [commandSubject("locked")],
    deny_delete: true,
  });
  const { sequence } = await append("locked", "a");
  await assert.rejects(logs.delete("locked", sequence));
});

test("a log is trimmed of what is below a sequence, and of no more (A5)", async () => {
  await logs.ensure("trimmed");
  for (const id of ["a", "b", "c"]) await append("trimmed", id);
  await logs.trim("trimmed", 2);
  assert.equal(await logs.first("trimmed"), 2);
});
