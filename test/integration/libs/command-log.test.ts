import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { ReadCommand } from "../../../libs/commands/log/log-reader.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { ErrorCode } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let logs: CommandLogs;
before(async () => {
  nats = await startNats();
  connection = await connect({
    servers: nats.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
  });
  logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

let made = 0;
const command = (processor: string, fields: Partial<Command> = {}): Command => {
  made++;
  return {
    id: `command-${made}`,
    processor,
    method: "Observe",
    data: Buffer.from(`data ${made}`),
    ...fields,
  };
};
/** Appends so many commands and returns their ids. */
const fill = async (processor: string, count: number) => {
  const commands = Array.from({ length: count }, () => command(processor));
  for (const each of commands) await logs.append(each);
  return commands.map(({ id }) => id);
};
/**
 * Reads until `count` commands have come, calling `each` after every one. Where a reader has ended, as after a
 * reconnect, another one goes on.
 */
const take = async (
  processor: string,
  from: number,
  count: number,
  each: (read: ReadCommand, index: number) => Promise<void> | void = () => {},
) => {
  const taken: ReadCommand[] = [];
  let reader = logs.read(processor, from);
  let isOverdue = false;
  const limit = setTimeout(() => {
    isOverdue = true;
    reader.close();
  }, 20_000);
  try {
    while (taken.length < count && !isOverdue) {
      reader = logs.read(processor, (taken.at(-1)?.command.sequence ?? from - 1) + 1);
      for await (const read of reader.commands()) {
        await each(read, taken.push(read) - 1);
        if (taken.length === count) break;
      }
    }
  } finally {
    clearTimeout(limit);
    reader.close();
  }
  return taken;
};
const idsOf = (taken: ReadCommand[]) => taken.map(({ command: { id } }) => id);
const isCode = (code: ErrorCode, effect: string) => (error: unknown) => {
  assert.ok(error instanceof GatewayError, String(error));
  assert.deepEqual([error.code, error.context.effect], [code, effect]);
  return true;
};

test("a command is read as it was appended, with its sequence", async () => {
  await logs.ensure("as-it-was");
  const whole = command("as-it-was", {
    data: new Uint8Array([0, 255, 10, 13]),
    replyTo: "_INBOX.x.1",
    deadlineMs: 1_795_411_800_250,
  });
  const bare = command("as-it-was", { method: "Learn", data: new Uint8Array() });
  assert.deepEqual(await logs.append(whole), { sequence: 1, duplicate: false });
  assert.deepEqual(await logs.append(bare), { sequence: 2, duplicate: false });
  const [first, second] = (await take("as-it-was", 1, 2)).map(
    ({ command: { storedAtMs = 0, ...rest }, behind }) => {
      assert.ok(Math.abs(Date.now() - storedAtMs) < 60_000);
      return { command: rest, behind };
    },
  );
  assert.deepEqual(
    { ...first?.command, data: [...(first?.command.data ?? [])] },
    { ...whole, data: [0, 255, 10, 13], sequence: 1 },
  );
  assert.deepEqual(
    { ...second?.command, data: second?.command.data.length },
    { ...bare, data: 0, sequence: 2 },
  );
  assert.deepEqual([first?.behind, second?.behind], [1, 0]);
});

test("a log that exists stays as it is", async () => {
  await logs.ensure("kept");
  const [id] = await fill("kept", 1);
  await Promise.all([logs.ensure("kept"), logs.ensure("kept")]);
  assert.deepEqual(idsOf(await take("kept", 1, 1)), [id]);
});

test("a command appended twice under one id is stored once, and the second answer tells its sequence", async () => {
  await logs.ensure("twice");
  const once = command("twice");
  assert.deepEqual(await logs.append(once), { sequence: 1, duplicate: false });
  assert.deepEqual(await logs.append(once), { sequence: 1, duplicate: true });
  assert.deepEqual(await logs.append(command("twice")), { sequence: 2, duplicate: false });
  assert.equal(await logs.last("twice"), 2);
});

test("one id in the logs of two processors is two commands", async () => {
  await Promise.all([logs.ensure("one"), logs.ensure("other")]);
  assert.equal((await logs.append(command("one", { id: "shared" }))).duplicate, false);
  assert.equal((await logs.append(command("other", { id: "shared" }))).duplicate, false);
});

test("a deleted command leaves a gap, and deleting it again does no harm", async () => {
  await logs.ensure("gap");
  const ids = await fill("gap", 4);
  await logs.delete("gap", 2);
  await logs.delete("gap", 2);
  await logs.delete("gap", 4);
  const taken = await take("gap", 1, 2);
  assert.deepEqual(idsOf(taken), [ids[0], ids[2]]);
  assert.deepEqual(
    taken.map(({ command: { sequence } }) => sequence),
    [1, 3],
  );
  assert.equal(await logs.last("gap"), 4);
  assert.equal((await logs.append(command("gap"))).sequence, 5);
});

test("a reader starts at the given sequence, even in a gap or beyond the end", async () => {
  await logs.ensure("from");
  const ids = await fill("from", 3);
  await logs.delete("from", 2);
  assert.deepEqual(idsOf(await take("from", 2, 1)), [ids[2]]);
  const reading = take("from", 5, 1);
  const [, last] = await fill("from", 2);
  assert.deepEqual(idsOf(await reading), [last]);
});

test("a closed reader ends, whether it waits or not", async () => {
  await logs.ensure("closed");
  await fill("closed", 3);
  const reader = logs.read("closed", 1);
  let seen = 0;
  for await (const _ of reader.commands()) if (++seen === 2) reader.close();
  assert.equal(seen, 2);
  const waiting = logs.read("closed", 4);
  const end = waiting.commands().next();
  await until(
    "it waits",
    async () =>
      (await (await jetstreamManager(connection)).streams.info("KATO_closed")).state.consumer_count > 0,
  );
  waiting.close();
  assert.equal((await end).done, true);
});

test("another reader goes on after a restart of NATS, and everything is read once", async () => {
  await logs.ensure("restart");
  const ids = await fill("restart", 600);
  const taken = await take("restart", 1, 605, async (_, index) => {
    if (index !== 300) return;
    await nats.restart();
    await until("the connection is back", () => connection.flush().then(() => true));
    ids.push(...(await fill("restart", 5)));
  });
  assert.deepEqual(idsOf(taken), ids);
  assert.deepEqual(
    taken.map(({ command: { sequence } }) => sequence),
    ids.map((_, index) => index + 1),
  );
});

test("where a reader was busy when NATS was killed, another one goes on when NATS is back", async (t) => {
  await logs.ensure("busy");
  const ids = await fill("busy", 400);
  let backAt = Number.POSITIVE_INFINITY;
  const following = (async () => {
    for await (const { type } of connection.status()) if (type === "reconnect") break;
    backAt = performance.now();
  })();
  let restarting: Promise<void> | undefined;
  let readAt = 0;
  let longestMs = 0;
  const taken = await take("busy", 1, 400, async (_, index) => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - Math.max(backAt, readAt));
    readAt = now;
    if (index === 50) restarting = nats.kill().then(() => nats.restart());
    // Slowly, so that it has read ahead and has asked for more over the old connection.
    await sleep(10);
  });
  await Promise.all([restarting, following]);
  assert.deepEqual(idsOf(taken), ids);
  t.diagnostic(`it was silent for ${Math.round(longestMs)} ms; until heartbeats are missed it takes 4 s`);
});

test("commands that were read ahead count as lying behind the one in hand", async () => {
  await logs.ensure("ahead");
  await fill("ahead", 1);
  const { consumers } = await jetstreamManager(connection);
  const behind: number[] = [];
  await take("ahead", 1, 6, async (read, index) => {
    behind.push(read.behind);
    if (index > 0) return;
    await fill("ahead", 5);
    await until("it is delivered", async () => {
      const [consumer] = await consumers.list("KATO_ahead").next();
      return consumer?.delivered.stream_seq === 6;
    });
    await connection.flush();
  });
  assert.deepEqual(behind, [0, 4, 3, 2, 1, 0]);
});

test("a full log refuses commands, and takes them again when there is room", async (t) => {
  const small = await CommandLogs.open(connection, { replicas: 1, maxBytes: 4_000 });
  await small.ensure("full");
  t.after(async () => (await jetstreamManager(connection)).streams.delete("KATO_full"));
  const large = () => command("full", { data: Buffer.alloc(1_500) });
  await small.append(large());
  await small.append(large());
  await assert.rejects(small.append(large()), isCode("LOG_FULL", "none"));
  await small.delete("full", 1);
  assert.equal((await small.append(large())).sequence, 3);
});

test("a command larger than NATS takes is refused", async () => {
  await logs.ensure("large");
  const data = Buffer.alloc((connection.info?.max_payload ?? 0) + 1);
  await assert.rejects(logs.append(command("large", { data })), isCode("TOO_LARGE", "none"));
});

test("where there is no log a command is certainly not stored", async () => {
  await assert.rejects(logs.append(command("nowhere")), isCode("NATS_UNAVAILABLE", "none"));
});

test("an append without an answer has an unknown effect, and stores nothing twice", async () => {
  await logs.ensure("silent");
  await nats.kill("SIGSTOP");
  await until("it is silent", () => Promise.race([connection.flush().then(() => false), sleep(100, true)]));
  const appending = assert.rejects(logs.append(command("silent")), isCode("NATS_UNAVAILABLE", "unknown"));
  await appending.finally(() => nats.kill("SIGCONT"));
  await until("it has arrived", async () => (await logs.last("silent")) > 0);
  assert.equal((await logs.append(command("silent"))).sequence, 2);
});
