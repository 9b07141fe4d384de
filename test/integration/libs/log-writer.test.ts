import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { LogWriter } from "../../../libs/commands/log/log-writer.ts";
import type { LogPublishing } from "../../../libs/commands/log/log-writer-options.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { assertWholeBatches, hasBatches } from "../../fixtures/batches.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { startTcpProxy } from "../../fixtures/tcp-proxy.ts";
import { until } from "../../fixtures/until.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let logs: CommandLogs;
before(async () => {
  nats = await startNats();
  connection = await open(nats.url);
  logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

const open = (servers: string) =>
  connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 0 });

const command = (processor: string, number: number, bytes = 20): Command => {
  const data = Buffer.alloc(bytes, String(number));
  return { id: `bulk.${number}`, processor, method: "Observe", data, ingestion: "bulk" };
};

interface Options {
  over: NatsConnection;
  patienceMs: number;
  log: LogPublishing;
}

interface Writing {
  writer: LogWriter;
  isConnected: () => boolean;
  stored: { id: string; sequence: number }[];
}

async function startWriter(
  processor: string,
  { over = connection, patienceMs = 20_000, log }: Partial<Options> = {},
): Promise<Writing> {
  const stored: Writing["stored"] = [];
  let session = 1;
  let isConnected = true;
  void (async () => {
    for await (const { type } of over.status()) {
      if (type === "disconnect") isConnected = false;
      if (type !== "reconnect") continue;
      isConnected = true;
      session++;
    }
  })();
  const writer = new LogWriter({
    connection: over,
    session: () => (isConnected ? session : 0),
    processor,
    log: log ?? (await logs.publishing(processor)),
    patienceMs,
    onStored: ({ id }, sequence) => stored.push({ id, sequence }),
  });
  return { writer, stored, isConnected: () => isConnected };
}

async function write(
  { writer }: Writing,
  processor: string,
  count: number,
  each?: (number: number) => unknown,
) {
  for (let number = 1; number <= count; number++) {
    writer.add(command(processor, number));
    if (writer.isFull) await writer.room();
    await each?.(number);
  }
  await writer.settle();
  writer.close();
}

/** Asserts that the log has exactly these, each once and in order, where the writer was told. */
async function assertStored(processor: string, { stored }: Writing, count: number): Promise<void> {
  const expected = Array.from({ length: count }, (_, index) => `bulk.${index + 1}`);
  const inLog: Writing["stored"] = [];
  for await (const { id, sequence } of logs.readRange(processor, 1, Number.MAX_SAFE_INTEGER)) {
    if (id.startsWith("bulk.")) inLog.push({ id, sequence });
  }
  assert.deepEqual(
    inLog.map(({ id }) => id),
    expected,
  );
  assert.deepEqual(stored, inLog);
}

test("commands are stored in the order in which they were added, and each is told in that order", async () => {
  await logs.ensure("plain");
  const writing = await startWriter("plain");
  await write(writing, "plain", 5_000);
  await assertStored("plain", writing, 5_000);
});

test("the order stays when others append commands in between (A2)", async () => {
  await logs.ensure("between");
  const writing = await startWriter("between");
  const others: Promise<unknown>[] = [];
  await write(writing, "between", 4_000, async (number) => {
    if (number % 20 !== 0) return;
    others.push(
      logs.append({ id: `other-${number}`, processor: "between", method: "Learn", data: Buffer.alloc(0) }),
    );
    await new Promise(setImmediate);
  });
  await Promise.all(others);
  await assertStored("between", writing, 4_000);
  assert.equal(await logs.last("between"), 4_200);
});

test("the order stays when connections break and lose messages (A2)", async (t) => {
  await logs.ensure("cut");
  const proxy = await startTcpProxy(nats.port);
  t.after(() => proxy.stop());
  const over = await open(`127.0.0.1:${proxy.port}`);
  t.after(() => over.close());
  const writing = await startWriter("cut", { over });
  await write(writing, "cut", 6_000, async (number) => {
    if (number % 20 === 0) await new Promise(setImmediate);
    if (number % 1_000 !== 500) return;
    // nats.js waits for long if a connection breaks while it is made.
    await until("it is connected", writing.isConnected);
    proxy.cut();
  });
  await assertStored("cut", writing, 6_000);
});

test("the order stays when NATS is killed and started again (A2)", async () => {
  await logs.ensure("restarted");
  const writing = await startWriter("restarted");
  await write(writing, "restarted", 7_000, async (number) => {
    if (number !== 2_500 && number !== 5_000) return;
    await nats.kill();
    await nats.restart();
  });
  await assertStored("restarted", writing, 7_000);
});

test("a batch in which NATS is killed is stored whole or not at all, also where every write is synced", {
  skip: !hasBatches(),
}, async () => {
  let batches = 0;
  for (const jetstream of [["sync_interval: always"], []]) {
    await nats.restart({ jetstream });
    const processor = `torn-${jetstream.length}`;
    await until("it is back, and has a log that takes batches", async () => {
      await logs.ensure(processor);
      return (await logs.publishing(processor)).takesBatches;
    });
    const writing = await startWriter(processor);
    await write(writing, processor, 7_000, async (number) => {
      if (number % 3_000 !== 2_500) return;
      await nats.kill();
      await nats.restart();
    });
    await assertStored(processor, writing, 7_000);
    batches += await assertWholeBatches(connection, processor);
  }
  assert.ok(batches > 0);
});

test("where JetStream refuses batches, and in a log that takes none, commands are stored one by one", async () => {
  for (const [processor, takesBatches] of [
    ["refusing", true],
    ["without", false],
  ] as const) {
    await logs.ensure(processor);
    const { streams } = await jetstreamManager(connection);
    await streams.update(streamOf(processor), { allow_atomic: false });
    assert.equal((await logs.publishing(processor)).takesBatches, false);
    const writing = await startWriter(processor, { log: { isReplicated: false, takesBatches } });
    await write(writing, processor, 1_500);
    await assertStored(processor, writing, 1_500);
  }
});

test("a log from before there were batches takes them once a worker has opened it", {
  skip: !hasBatches(),
}, async () => {
  await logs.ensure("older");
  const { streams } = await jetstreamManager(connection);
  const { config } = await streams.update(streamOf("older"), { allow_atomic: false });
  await logs.append(command("older", 1));
  await logs.ensure("older");
  assert.equal((await logs.publishing("older")).takesBatches, false);
  const ofWorker = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 }, { mayUpdate: true });
  await ofWorker.ensure("older");
  assert.equal((await logs.publishing("older")).takesBatches, true);
  const { config: updated } = await streams.info(streamOf("older"));
  assert.deepEqual({ ...updated, metadata: null }, { ...config, allow_atomic: true, metadata: null });
  assert.equal(await logs.last("older"), 1);
});

test("a command is sent again when NATS does not answer in time, and is stored once", async () => {
  await logs.ensure("silent");
  const writing = await startWriter("silent");
  const silence = async (number: number) => {
    if (number !== 2_500) return;
    await nats.kill("SIGSTOP");
    setTimeout(() => void nats.kill("SIGCONT"), 4_500);
  };
  await write(writing, "silent", 4_000, silence);
  await assertStored("silent", writing, 4_000);
});

test("a full log stores nothing after the command that it refused, and the writer knows how far it is (A6)", async () => {
  const small = await CommandLogs.open(connection, { replicas: 1, maxBytes: 100_000 });
  await small.ensure("full");
  const writing = await startWriter("full");
  const sizes = (number: number) => (number % 7 === 0 ? 10 : 900);
  await assert.rejects(
    async () => {
      for (let number = 1; number <= 2_000; number++) {
        writing.writer.add(command("full", number, sizes(number)));
        if (writing.writer.isFull) await writing.writer.room();
      }
      await writing.writer.settle();
    },
    (error) => error instanceof GatewayError && error.code === "LOG_FULL",
  );
  assert.equal(writing.writer.isUncertain, false);
  writing.writer.close();
  assert.ok(writing.stored.length > 50);
  await assertStored("full", writing, writing.stored.length);
});

test("the writer gives up when nothing is acknowledged for as long as it may wait", async () => {
  await logs.ensure("patience");
  const writing = await startWriter("patience", { patienceMs: 1_000 });
  await nats.kill();
  writing.writer.add(command("patience", 1));
  await assert.rejects(
    writing.writer.settle(),
    (error) => error instanceof GatewayError && error.code === "NATS_UNAVAILABLE",
  );
  writing.writer.close();
  await nats.restart();
  await until("it is back", () => connection.flush().then(() => true));
  assert.equal(await logs.last("patience"), 0);
});

test("a command that was sent once without an answer may be stored, even if it is refused when sent again (A7)", async (t) => {
  await logs.ensure("uncertain");
  const proxy = await startTcpProxy(nats.port);
  t.after(() => proxy.stop());
  const over = await open(`127.0.0.1:${proxy.port}`);
  t.after(() => over.close());
  const { writer } = await startWriter("uncertain", { over, patienceMs: 3_000 });
  proxy.swallow();
  writer.add(command("uncertain", 1));
  await until("it is stored", async () => (await logs.last("uncertain")) === 1);
  // From now on it is refused.
  await (await jetstreamManager(connection)).streams.delete(streamOf("uncertain"));
  proxy.cut();
  await assert.rejects(writer.settle(), GatewayError);
  assert.equal(writer.isUncertain, true);
  writer.close();
});

test("where there is no log nothing is stored, and the writer fails", async () => {
  const writing = await startWriter("nowhere", {
    patienceMs: 500,
    log: { isReplicated: false, takesBatches: true },
  });
  writing.writer.add(command("nowhere", 1));
  await assert.rejects(writing.writer.settle(), GatewayError);
  writing.writer.close();
});
