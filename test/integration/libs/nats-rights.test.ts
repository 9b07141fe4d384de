import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { AckPolicy, DeliverPolicy, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect, headers } from "@nats-io/transport-node";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { deadLetterStream } from "../../../libs/commands/outcomes/dead-letters.ts";
import { allBuckets, bucketStream, openBucket, purgeKeys } from "../../../libs/nats/buckets.ts";
import { inboxPrefixOf } from "../../../libs/nats/inbox.ts";
import { auditStream } from "../../../services/gateway/access/audit-trail.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { including, startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

// What somebody can do who has stolen the password of a user of deploy/nats/users.conf, and what not. That the
// services can do all that they do is in test/end-to-end/running/nats-users.test.ts.

const usersFile = resolve(import.meta.dirname, "../../../deploy/nats/users.conf");
const log = streamOf("p1");
const buckets = Object.fromEntries(allBuckets.map((name) => [name, bucketStream(name)]));
const denied = { message: /permission/i };

let nats: TestNatsServer;
let gateway: NatsConnection;
let worker: NatsConnection;

async function connectAs(user: "gateway" | "worker"): Promise<NatsConnection> {
  const login = { user, pass: user, inboxPrefix: inboxPrefixOf(user) };
  return connect({ servers: nats.url, ...login, timeout: 5_000 });
}

before(async () => {
  process.env.NATS_GATEWAY_PASSWORD = '"gateway"';
  process.env.NATS_WORKER_PASSWORD = '"worker"';
  nats = await startNats({ config: [including(usersFile)] });
  [gateway, worker] = [await connectAs("gateway"), await connectAs("worker")];
  for (const name of allBuckets) await openBucket(name === "keys" ? gateway : worker, name, 1);
  const { streams } = await jetstreamManager(gateway, { checkAPI: false });
  await streams.add({ name: log, subjects: ["kato.p1.commands"] });
  await streams.add({ name: streamOf("p2"), subjects: ["kato.p2.commands"] });
  await streams.add({ name: deadLetterStream, subjects: ["kato.*.dead-letters.*"] });
  await streams.add({ name: auditStream, subjects: ["kato-audit.entries"] });
});
after(async () => {
  await gateway?.close();
  await worker?.close();
  await nats?.stop();
});

/** Asserts that a user may not publish to these subjects. */
async function assertRefused(connection: NatsConnection, subjects: string[]): Promise<void> {
  for (const subject of subjects) {
    await assert.rejects(connection.request(subject, "{}"), denied, subject);
  }
}

/** Asserts that a user may not listen to these subjects. */
async function assertDeaf(connection: NatsConnection, subjects: string[]): Promise<void> {
  for (const subject of subjects) {
    let refused: Error | null = null;
    const callback = (error: Error | null) => {
      refused = error;
    };
    const subscription = connection.subscribe(subject, { callback });
    // NATS answers in turn.
    await connection.flush();
    subscription.unsubscribe();
    assert.match(String(refused), denied.message, subject);
  }
}

const api = (what: string, streams: string[]) => streams.map((stream) => `$JS.API.${what}.${stream}`);

test("nobody can listen to the answers of others, nor to what goes on in NATS", async () => {
  const ofAll = [">", "_INBOX.>", "_INBOX.*.>", "_INBOX.*.*.*", "$SYS.>", "$JS.EVENT.>", "$KV.>", "kato.>"];
  await assertDeaf(gateway, [...ofAll, "_INBOX.worker.>", "kato.*.commands", "kato.p1.queries"]);
  await assertDeaf(worker, [...ofAll, "_INBOX.gateway.>", "kato.*.commands", "kato.p1.state"]);
});

test("a worker answers gateways, older ones too, and nobody answers a worker in JetStream's place", async () => {
  const answers = gateway.subscribe("_INBOX.gateway.a.1", { max: 1 });
  await gateway.flush();
  worker.publish("_INBOX.gateway.a.1", "yes");
  for await (const message of answers) assert.equal(message.string(), "yes");
  // Nobody listens there, which is no matter of rights.
  await assert.rejects(worker.request("_INBOX.old.1", ""), /no responders/i);
  await assertRefused(worker, [
    "_INBOX.worker.a",
    "_INBOX.worker.a.1",
    "_INBOX.backup.a",
    "_INBOX.backup.a.1",
  ]);
  await assertRefused(gateway, ["_INBOX.worker.a.1", "_INBOX.backup.a.1", "_INBOX.old.1"]);
  // Where a bucket's changes are delivered to a gateway, and where what it stores one after the other is acknowledged.
  for (const user of [gateway, worker])
    await assertRefused(user, ["_INBOX.gateway.a", "_INBOX.gateway.a.1.1"]);
});

test("who asks itself for an answer may not publish wherever it likes", async () => {
  const asked = gateway.subscribe("kato.p1.ingestions.x", { max: 1 });
  gateway.publish("kato.p1.ingestions.x", "", { reply: "$KV.kato-leases.p1" });
  for await (const message of asked) await assertRefused(gateway, [message.reply ?? ""]);
});

test("no user writes what is another's", async () => {
  await assertRefused(gateway, [
    ...["$KV.kato-leases.p1", "$KV.kato-checkpoints.p1", "$KV.kato-late-calls.p1.a"],
    ...["kato.p1.state", "kato.p1.dead-letters.1", "kato.p1.unheard"],
  ]);
  await assertRefused(worker, [
    "$KV.kato-registry.p1",
    "kato.p1.commands",
    "kato.p1.queries",
    "kato.p1.cancel",
  ]);
});

test("no user deletes a stream or restores one, and a gateway takes nothing out of a log or a bucket", async () => {
  const streams = [log, deadLetterStream, ...Object.values(buckets)];
  for (const user of [gateway, worker]) {
    for (const what of ["DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE"]) {
      await assertRefused(user, api(`STREAM.${what}`, streams));
    }
  }
  const logAndBuckets = streams.filter((stream) => stream !== deadLetterStream);
  for (const what of ["PURGE", "MSG.DELETE", "UPDATE"]) {
    await assertRefused(gateway, api(`STREAM.${what}`, logAndBuckets));
  }
});

test("a worker neither reads nor changes clients' keys and the audit trail, and a gateway takes no entry back", async () => {
  const ours = [buckets.keys ?? "", auditStream];
  for (const what of ["INFO", "MSG.GET", "PURGE", "MSG.DELETE", "UPDATE", "CREATE", "DELETE"]) {
    await assertRefused(worker, api(`STREAM.${what}`, ours));
  }
  await assertRefused(worker, [
    ...["$KV.kato-keys.admin", "kato-audit.entries", "kato-gateways.one"],
    ...ours.flatMap((stream) => [
      `$JS.API.CONSUMER.CREATE.${stream}.x`,
      `$JS.API.CONSUMER.CREATE.${stream}.x.>`,
    ]),
  ]);
  for (const what of ["PURGE", "MSG.DELETE", "UPDATE", "DELETE"]) {
    await assertRefused(gateway, api(`STREAM.${what}`, ours));
  }
});

test("a worker empties and changes only what it has to", async () => {
  const { registry = "", leases = "", ...others } = buckets;
  await assertRefused(worker, api("STREAM.PURGE", [registry, leases]));
  await assertRefused(worker, api("STREAM.UPDATE", [registry, ...Object.values(others)]));
  await assertRefused(worker, api("STREAM.MSG.DELETE", [deadLetterStream, ...Object.values(buckets)]));
});

test("a gateway does not touch what workers have among themselves", async () => {
  const { leases = "", lateCalls = "" } = buckets;
  for (const what of ["INFO", "CREATE", "MSG.GET"]) {
    await assertRefused(gateway, api(`STREAM.${what}`, [leases, lateCalls]));
  }
});

test("consumers are made only of streams of which the user reads more than single messages", async () => {
  const { outcomes = "", ingestions = "", checkpoints = "", leases = "", lateCalls = "" } = buckets;
  const ofNobody = [outcomes, ingestions, deadLetterStream];
  const makingOf = (streams: string[]) => streams.map((stream) => `$JS.API.CONSUMER.CREATE.${stream}.thief`);
  await assertRefused(worker, makingOf(ofNobody));
  await assertRefused(gateway, makingOf([...ofNobody, checkpoints, leases, lateCalls]));
  for (const user of [gateway, worker]) {
    // Consumers that stay, and the older way to make one.
    await assertRefused(user, [
      `$JS.API.CONSUMER.CREATE.${log}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${log}.thief`,
    ]);
    await assertRefused(user, [`$JS.API.CONSUMER.NAMES.${log}`, `$JS.API.CONSUMER.LIST.${log}`]);
    await assertRefused(user, [
      `$JS.API.DIRECT.GET.${log}`,
      "$JS.API.ACCOUNT.PURGE.x",
      "$JS.API.META.LEADER.STEPDOWN",
    ]);
    await assertRefused(user, [`$JS.ACK.${log}.a.1.1.1.1.0`, `$JS.FC.${log}.a.b`, "$SYS.REQ.SERVER.PING"]);
  }
});

test("a worker reads parts of checkpoints, and purges what a removed processor has left", async () => {
  const checkpoints = await openBucket(worker, "checkpoints", 1);
  for await (const key of await checkpoints.keys("p1.>")) assert.fail(key);
  for (const name of ["checkpoints", "lateCalls", "outcomes", "ingestions"] as const) {
    await purgeKeys(worker, name, "p1.>");
  }
});

test("a request names the stream that it is about in its subject, and no other in its body", async () => {
  const answer = await worker.request(
    `$JS.API.STREAM.UPDATE.${log}`,
    JSON.stringify({ name: buckets.registry }),
  );
  assert.match(answer.string(), /does not match/);
  const body = JSON.stringify({ stream_name: deadLetterStream, config: { name: "a", ack_policy: "none" } });
  const made = await worker.request(`$JS.API.CONSUMER.CREATE.${log}.a`, body);
  assert.match(made.string(), /"error"/);
});

// The rest is what docs/security.md says that NATS's rights leave open. NATS checks what a client publishes, and
// not what it has JetStream publish. Whoever changes one of these tests changes that chapter.

test("left open: who makes consumers has JetStream publish what a stream holds to any subject", async () => {
  gateway.publish("kato.p2.commands", "forged");
  const { streams, consumers } = await jetstreamManager(worker, { checkAPI: false });
  await until("it is stored", async () => (await streams.info(streamOf("p2"))).state.messages === 1);
  await consumers.add(streamOf("p2"), {
    name: "push",
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    deliver_subject: "kato.p1.commands",
  });
  await until("JetStream has stored it", async () => (await streams.info(log)).state.messages === 1);
  await consumers.add(streamOf("p2"), { name: "pull", ack_policy: AckPolicy.None });
  // A consumer that is asked for messages is no better: it sends them where the request says.
  const request = JSON.stringify({ batch: 1, expires: 1_000_000_000 });
  worker.publish(`$JS.API.CONSUMER.MSG.NEXT.${streamOf("p2")}.pull`, request, { reply: "kato.p1.commands" });
  await until("JetStream has stored it again", async () => (await streams.info(log)).state.messages === 2);
});

test("left open: who makes streams may have them answer what others ask, and write where the user may not", async () => {
  const ofGateway = (await jetstreamManager(gateway, { checkAPI: false })).streams;
  await ofGateway.add({ name: "THIEF-1", subjects: ["kato.*.queries"] });
  assert.match((await gateway.request("kato.p1.queries", "")).string(), /THIEF-1/);
  const written = { src: "kato.p1.ingestions.thief", dest: "$KV.kato-checkpoints.p1" };
  await ofGateway.add({ name: "THIEF-2", subjects: [written.src], republish: written });
  gateway.publish(written.src, "forged");
  const checkpoints = await openBucket(worker, "checkpoints", 1);
  await until("it is written", async () => (await checkpoints.get("p1"))?.string() === "forged");
  const ofWorker = (await jetstreamManager(worker, { checkAPI: false })).streams;
  const copy = await ofWorker.add({ name: "THIEF-3", mirror: { name: bucketStream("registry") } });
  assert.ok(copy.config.mirror);
  await ofWorker.add({ name: "THIEF-6", subjects: ["_INBOX.gateway.>"] });
  // What JetStream is asked, and what another stream has, no stream takes.
  await assert.rejects(ofWorker.add({ name: "THIEF-4", subjects: ["$JS.API.>"] }), /no-ack|overlap/);
  await assert.rejects(ofWorker.add({ name: "THIEF-5", subjects: ["$KV.kato-registry.>"] }), /overlap/);
});

test("left open: who writes to a bucket empties all of it by one message that takes the place of all others", async () => {
  const rollup = headers();
  rollup.set("Nats-Rollup", "all");
  for (const [user, name] of [
    [gateway, "registry"],
    [worker, "checkpoints"],
  ] as const) {
    const bucket = await openBucket(user, name, 1);
    await bucket.put("p1", "kept");
    await bucket.put("p2", "kept");
    await user.request(`$KV.kato-${name}.p1`, "", { headers: rollup, timeout: 5_000 });
    assert.equal(await bucket.get("p2"), null);
  }
  // A command log takes no such message.
  const answer = await gateway.request("kato.p1.commands", "", { headers: rollup, timeout: 5_000 });
  assert.match(answer.string(), /rollup not permitted/);
});
