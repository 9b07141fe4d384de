import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { backUp } from "../../../libs/backup/back-up.ts";
import { restore } from "../../../libs/backup/restore.ts";
import { commandSubject, streamOf } from "../../../libs/commands/messages/subjects.ts";
import type { DeadLetter } from "../../../libs/commands/outcomes/dead-letters.ts";
import { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { inboxPrefixOf } from "../../../libs/nats/inbox.ts";
import { connectedNats } from "../../fixtures/connected-nats.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { commandsOf, fillLog, id, standingProcessor, store } from "../../fixtures/standing-processor.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const deadLetter: DeadLetter = {
  processor: id,
  sequence: 7,
  command: "c",
  method: "Learn",
  data: Buffer.from("request"),
  outcome: "failed",
  grpcStatus: 0,
  text: "failed",
  atMs: 1,
};
const stopping = new AbortController().signal;
const ignore = () => {};

async function emptyNats(t: TestContext): Promise<NatsConnection> {
  const { connection } = await connectedNats(t);
  return connection;
}

/** Changes a byte in the middle of a file. */
async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(file, bytes);
}

test("a log is restored with its sequences, times and holes, and goes on counting behind its end", async (t) => {
  const [from, to] = [await emptyNats(t), await emptyNats(t)];
  await fillLog(from);
  const folder = join(temporaryFolder(t), "backup");
  await backUp({ connection: from, folder, stopping, progress: ignore }).catch((error) => {
    assert.match(error.message, /nothing to back up/, "there is no registry yet");
  });
  await standingProcessor(t, from);
  await backUp({ connection: from, folder, stopping, progress: ignore });

  await restore({ connection: to, folder, replicas: undefined, stopping, progress: ignore });
  assert.deepEqual(await commandsOf(to), await commandsOf(from));
  const { seq } = await jetstream(to).publish(commandSubject(id), "next");
  assert.equal(seq, 3_001);
});

test("the keys of clients are in a backup that was asked for them, and restored where somebody asks for it", async (t) => {
  const [from, to, other] = [await emptyNats(t), await emptyNats(t), await emptyNats(t)];
  await standingProcessor(t, from);
  const keys = await openBucket(from, "keys", 1);
  await keys.put("k1", "hashes");
  await keys.put("revoked", "hashes");
  await keys.delete("revoked");
  const [without, withKeys] = [join(temporaryFolder(t), "a"), join(temporaryFolder(t), "b")];
  await backUp({ connection: from, folder: without, stopping, progress: ignore });
  await backUp({ connection: from, folder: withKeys, withKeys: true, stopping, progress: ignore });

  const asked = { replicas: undefined, withKeys: true, stopping };
  const restoring = restore({ connection: to, folder: without, ...asked, progress: ignore });
  await assert.rejects(restoring, { name: "BackupError", message: /made without --keys/ });
  await restore({ connection: to, folder: withKeys, ...asked, progress: ignore });
  const restored = await openBucket(to, "keys", 1);
  assert.equal((await restored.get("k1"))?.string(), "hashes");
  assert.notEqual((await restored.get("revoked"))?.operation, "PUT");

  const lines: string[] = [];
  const progress = (line: string) => void lines.push(line);
  await restore({ connection: other, folder: withKeys, ...asked, withKeys: false, progress });
  assert.match(lines.join("\n"), /keys of clients are left out: --keys/);
  assert.equal(await (await openBucket(other, "keys", 1)).get("k1"), null);
});

test("what is stored and trimmed while a backup is made leaves it whole", async (t) => {
  const [from, to] = [await emptyNats(t), await emptyNats(t)];
  const logs = await fillLog(from);
  const registry = await standingProcessor(t, from);
  const checkpoints = await openBucket(from, "checkpoints", 1);
  await checkpoints.put(id, "first");
  const outcomes = await openBucket(from, "outcomes", 1);
  for (let number = 0; number < 20; number++) await outcomes.put(`${id}.c${number}`, `early ${number}`);
  await outcomes.put("p2.c1", "of another processor");
  registry.onChange(() => {
    if (!registry.get(id)?.paused_by) return;
    void checkpoints.put(id, "last");
    void outcomes.put(`${id}.c7`, "late");
    void outcomes.delete(`${id}.c8`);
  });
  let isOver = false;
  const busy = async () => {
    for (let first = 300; !isOver; first += 10) {
      await store(from, 200);
      // Before 2.10 NATS refuses to remove anything while it makes a snapshot.
      await logs.trim(id, first).catch(ignore);
    }
  };
  const folder = temporaryFolder(t);
  const writing = busy();
  const manifest = await backUp({ connection: from, folder, stopping, progress: ignore });
  isOver = true;
  await writing;
  assert.equal(manifest.processors[0]?.moment, "settled");
  assert.equal(registry.get(id)?.paused, undefined);

  await restore({ connection: to, folder, replicas: undefined, stopping, progress: ignore });
  const [all, restored] = [await commandsOf(from), await commandsOf(to)];
  const kept = restored.filter(
    (command) => Number.parseInt(command, 10) >= Number.parseInt(all[0] ?? "", 10),
  );
  assert.deepEqual(kept, all.slice(0, kept.length), "it is the log up to a moment");
  assert.ok(kept.length >= 2_000);
  const [toCheckpoints, toOutcomes] = [
    await openBucket(to, "checkpoints", 1),
    await openBucket(to, "outcomes", 1),
  ];
  assert.equal((await toCheckpoints.get(id))?.string(), "last");
  assert.equal((await toOutcomes.get(`${id}.c7`))?.string(), "late");
  assert.equal((await toOutcomes.get(`${id}.c8`))?.operation, "DEL");
  assert.equal((await toOutcomes.get(`${id}.c19`))?.string(), "early 19");
  assert.equal((await toOutcomes.status()).streamInfo.state.messages, 20);
});

test("a restore that fails leaves nothing behind", async (t) => {
  const [from, to] = [await emptyNats(t), await emptyNats(t)];
  await fillLog(from);
  await standingProcessor(t, from);
  const folder = temporaryFolder(t);
  await backUp({ connection: from, folder, stopping, progress: ignore });
  const stop = new AbortController();
  const stopAtFirst = (line: string) => line.startsWith("1 of 1") && stop.abort(new Error("stopped"));
  const stopped = restore({
    connection: to,
    folder,
    replicas: undefined,
    stopping: stop.signal,
    progress: stopAtFirst,
  });
  await assert.rejects(stopped, /stopped/);
  const names: string[] = [];
  for await (const name of (await jetstreamManager(to)).streams.names()) names.push(name);
  assert.deepEqual(names, []);
});

test("a log with a damaged command is copied as it is, and the backup does it no harm", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const filling = await connect({ servers: nats.url });
  await fillLog(filling);
  await filling.close();
  // After a restart NATS has nothing of the log in memory.
  await nats.restart();
  const [from, to] = [await connect({ servers: nats.url }), await emptyNats(t)];
  t.after(() => from.close());
  await standingProcessor(t, from);
  const [block = ""] = globSync(`**/${streamOf(id)}/msgs/*.blk`, { cwd: nats.dir });
  await damage(join(nats.dir, block));
  const folder = temporaryFolder(t);
  await backUp({ connection: from, folder, stopping, progress: ignore });
  const countIn = async (connection: NatsConnection) =>
    (await (await jetstreamManager(connection)).streams.info(streamOf(id))).state.messages;
  // Had JetStream checked the log first, it would have dropped all that stands behind the damaged command.
  assert.equal(await countIn(from), 2_898);
  await restore({ connection: to, folder, replicas: undefined, stopping, progress: ignore });
  assert.equal(await countIn(to), 2_898);
});

test("a backup fails if somebody resumes a processor while it is copied", async (t) => {
  const from = await emptyNats(t);
  await fillLog(from);
  const registry = await standingProcessor(t, from);
  const folder = temporaryFolder(t);
  registry.onChange(() => void (registry.get(id)?.paused_by && registry.setPaused(id, false)));
  const making = backUp({ connection: from, folder, stopping, progress: ignore });
  await assert.rejects(making, /somebody has resumed or removed p1 while it was being copied/);
  assert.equal(registry.get(id)?.paused, undefined);
  await assert.rejects(
    restore({ connection: from, folder, replicas: undefined, stopping, progress: ignore }),
    /no complete backup/,
  );
});

test("the users that are shipped for it can do what a backup and a restore do, and nothing is refused", async (t) => {
  process.env.NATS_BACKUP_PASSWORD = '"b"';
  process.env.NATS_RESTORE_PASSWORD = '"r"';
  const shipped = readFileSync(join(import.meta.dirname, "../../../deploy/nats/backup-users.conf"), "utf8");
  const config = [`authorization { users: [ { user: all, password: "a" }`, shipped, "] }"];
  const servers = [await startNats({ config }), await startNats({ config })];
  for (const server of servers) t.after(() => server.stop());
  const as = async (server: number, user: "all" | "backup" | "restore") => {
    const { url = "" } = servers[server] ?? {};
    const inbox = user === "all" ? {} : { inboxPrefix: inboxPrefixOf(user) };
    const connection = await connect({ servers: url, user, pass: user.charAt(0), ...inbox });
    t.after(() => connection.close());
    return connection;
  };
  const all = await as(0, "all");
  await fillLog(all);
  await standingProcessor(t, all);
  await (await openBucket(all, "checkpoints", 1)).put(id, "kept");
  await (await openBucket(all, "outcomes", 1)).put(`${id}.c`, "kept");
  await (await DeadLetters.open(all, 1)).put(deadLetter);
  const folder = temporaryFolder(t);
  const backup = await as(0, "backup");
  const { processors } = await backUp({ connection: backup, folder, stopping, progress: ignore });
  assert.equal(processors[0]?.entries, 3);

  const connection = await as(1, "restore");
  const stop = new AbortController();
  const progress = (line: string) => line.startsWith("1 of 1") && stop.abort(new Error("stopped"));
  const to = { connection, folder, replicas: undefined };
  await assert.rejects(restore({ ...to, stopping: stop.signal, progress }), /stopped/);
  await restore({ ...to, stopping, progress: ignore });
  assert.deepEqual(await commandsOf(await as(1, "all")), await commandsOf(all));
  for (const server of servers) assert.doesNotMatch(server.output(), /Violation/);
});
