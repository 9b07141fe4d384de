import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { BackupError } from "../../../libs/backup/backup-error.ts";
import { setReplicas } from "../../../libs/backup/replicas.ts";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import { warnOfFewerReplicas } from "../../../libs/nats/fewer-replicas.ts";
import type { NatsCluster } from "../../fixtures/nats-cluster.ts";
import { startNatsCluster } from "../../fixtures/nats-cluster.ts";
import { until } from "../../fixtures/until.ts";
import { whyNoReplicas } from "../../fixtures/why-no-replicas.ts";

const skip = await whyNoReplicas();
let nats: NatsCluster;
before(async () => {
  if (!skip) nats = await startNatsCluster();
});
after(() => nats?.stop());

test("what exists is given more replicas while it is used, and the start of a gateway tells of it", {
  skip,
}, async () => {
  const { connection } = nats;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const outcomes = await openBucket(connection, "outcomes", 1);
  // The server that this client has may not know yet which of the others has the new bucket.
  await until("the bucket can be written", () => outcomes.put("p1.a", "kept").then(() => true));
  await manager.streams.add({ name: streamOf("p1"), subjects: ["kato.p1.commands"], num_replicas: 1 });
  await manager.streams.add({ name: "OTHERS", subjects: ["others"], num_replicas: 1 });
  const warnings: object[] = [];
  const log = { info() {}, warn: (about: object) => warnings.push(about) };
  const names = [streamOf("p1"), bucketStream("outcomes")].sort();
  await warnOfFewerReplicas(connection, 3, log);
  assert.deepEqual(warnings, [{ replicas: 3, count: 2, streams: names }]);

  const told: string[] = [];
  const options = { connection, replicas: 3, stopping: new AbortController().signal };
  assert.deepEqual(await setReplicas({ ...options, progress: (line) => told.push(line) }), names);
  assert.deepEqual(
    told,
    names.map((name) => `${name}: 1 before, 3 now`),
  );
  for (const name of names) assert.equal((await manager.streams.info(name)).config.num_replicas, 3);
  assert.equal((await manager.streams.info("OTHERS")).config.num_replicas, 1);
  await manager.streams.delete("OTHERS");
  await nats.untilWhole();
  assert.equal((await outcomes.get("p1.a"))?.string(), "kept");
  await outcomes.put("p1.b", "more");
  assert.deepEqual(await setReplicas({ ...options, progress: assert.fail }), []);
  await warnOfFewerReplicas(connection, 3, log);
  assert.equal(warnings.length, 1);
  await assert.rejects(setReplicas({ ...options, replicas: 5, progress: () => {} }), BackupError);
});
