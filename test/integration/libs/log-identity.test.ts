import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { LogIdentity } from "../../../libs/commands/log/log-identity.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { closedCommandSubject, streamOf } from "../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let logs: CommandLogs;
let identity: LogIdentity;
before(async () => {
  nats = await startNats();
  connection = await connect({ servers: nats.url });
  logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
  identity = await LogIdentity.open(connection);
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

let made = 0;
const command = (processor: string): Command => ({
  id: `command-${++made}`,
  processor,
  method: "Observe",
  data: Buffer.from("data"),
});

/** A log with so many commands. */
async function filled(processor: string, count: number): Promise<void> {
  await logs.ensure(processor);
  for (let left = count; left > 0; left--) await logs.append(command(processor));
}

test("a log keeps the id that it is given, and one that is made anew has none", async () => {
  await filled("named", 1);
  assert.equal((await identity.look("named")).id, undefined);
  const id = await identity.name("named", await identity.look("named"));
  assert.equal((await identity.look("named")).id, id);
  await (await jetstreamManager(connection)).streams.delete(streamOf("named"));
  await logs.ensure("named");
  assert.equal((await identity.look("named")).id, undefined);
});

test("when a command was stored is known for as long as the log has it", async () => {
  await filled("times", 2);
  const stored = await identity.storedAt("times", 2);
  assert.ok(stored !== undefined && Math.abs(Date.now() - stored) < 60_000);
  await logs.delete("times", 2);
  assert.equal(await identity.storedAt("times", 2), undefined);
  assert.equal(await identity.storedAt("times", 0), undefined);
});

test("the numbers of a log move on, and its id stays", async () => {
  await filled("moved", 3);
  const id = await identity.name("moved", await identity.look("moved"));
  assert.equal(await identity.continueAt("moved", { last: 3, next: 1_001 }), true);
  assert.equal((await logs.append(command("moved"))).sequence, 1_001);
  const facts = await identity.look("moved");
  assert.deepEqual([facts.id, facts.first, facts.last, facts.messages], [id, 1_001, 1_001, 1]);
});

test("the numbers do not move on where there is a command behind the last known one, and it stays (A6)", async () => {
  await filled("more", 3);
  assert.equal(await identity.continueAt("more", { last: 2, next: 1_001 }), false);
  assert.equal((await logs.append(command("more"))).sequence, 4);
  assert.equal((await identity.look("more")).messages, 4);
});

test("a log that was left closed refuses what is sent, with no effect, until it is looked at", async () => {
  await filled("closed", 1);
  const manager = await jetstreamManager(connection);
  await manager.streams.update(streamOf("closed"), { subjects: [closedCommandSubject("closed")] });
  await assert.rejects(logs.append(command("closed")), (error) => {
    assert.ok(error instanceof GatewayError);
    assert.deepEqual([error.code, error.context.effect], ["NATS_UNAVAILABLE", "none"]);
    return true;
  });
  await identity.look("closed");
  assert.equal((await logs.append(command("closed"))).sequence, 2);
});
