import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamState } from "@nats-io/jetstream";
import type { LogBackup } from "../../../libs/backup/manifest.ts";
import { restoredLogProblem } from "../../../libs/backup/manifest.ts";
import { S2Size } from "../../../libs/backup/s2-size.ts";
import { serverProblem } from "../../../libs/backup/server-problem.ts";

const stateOf = (first_seq: number, last_seq: number, num_deleted = 0): StreamState => ({
  messages: last_seq - first_seq + 1 - num_deleted,
  bytes: 1,
  first_seq,
  first_ts: "",
  last_seq,
  last_ts: "",
  num_deleted,
  consumer_count: 0,
  deleted: [],
  lost: { msgs: null, bytes: 0 },
});

function problemOf(restored: StreamState, after = stateOf(10, 120, 2)) {
  const log: LogBackup = {
    config: { name: "KATO_p1" } as LogBackup["config"],
    state: stateOf(10, 100, 2),
    after,
  };
  return restoredLogProblem(log, restored);
}

test("a restored log may have what came while the snapshot was taken, and may lack what was trimmed", () => {
  assert.equal(problemOf(stateOf(10, 100, 2)), undefined);
  assert.equal(problemOf(stateOf(10, 115, 2)), undefined);
  assert.equal(problemOf(stateOf(50, 120, 1), stateOf(50, 120)), undefined);
  assert.equal(problemOf(stateOf(121, 120), stateOf(121, 120)), undefined, "all of it was trimmed");
});

test("a log that never had a command is restored as it was, whichever number JetStream says is its first", () => {
  const [one, other] = [stateOf(1, 0), { ...stateOf(1, 0), first_seq: 0 }];
  const config = { name: "KATO_p1" } as LogBackup["config"];
  assert.equal(restoredLogProblem({ config, state: other, after: other }, one), undefined);
  assert.equal(restoredLogProblem({ config, state: one, after: one }, other), undefined);
});

test("a restored log that lacks something is told, and one that has what there was not is refused", () => {
  const loss = (text: string) => ({ isLoss: true, text });
  assert.deepEqual(problemOf(stateOf(10, 99, 2)), loss("it was 10 to 100, and has 10 to 99"));
  assert.deepEqual(problemOf(stateOf(11, 100, 2)), loss("it was 10 to 100, and has 11 to 100"));
  const holes = problemOf(stateOf(10, 100, 5));
  assert.deepEqual(holes, loss("it was 10 to 100, and has 10 to 100, of which 3 are missing"));
  assert.equal(problemOf(stateOf(10, 4_611_686_018_427_391_000, 2))?.isLoss, false);
  assert.equal(problemOf(stateOf(1, 100, 2))?.isLoss, false);
});

test("a backup is restored with the NATS that it was made with or a newer one", () => {
  assert.equal(serverProblem("2.9.10", "2.14.0", 1), undefined);
  assert.equal(serverProblem("2.14.3", "2.14.0", 3), undefined);
  assert.match(serverProblem("2.14.0", "2.9.10", 1) ?? "", /made with NATS 2.14.0, and this is 2.9.10/);
  assert.match(serverProblem("2.9.10", "2.10.5", 3) ?? "", /too old for 3 replicas/);
});

test("an S2 stream that is broken off is noticed, in whatever pieces it comes", () => {
  const frame = (kind: number, rest: Buffer) => {
    const header = Buffer.alloc(4);
    header.writeUIntLE(kind, 0, 1);
    header.writeUIntLE(rest.length, 1, 3);
    return Buffer.concat([header, rest]);
  };
  const checksum = Buffer.alloc(4);
  // 300 bytes, compressed to six.
  const compressed = frame(0x00, Buffer.concat([checksum, Buffer.from([0xac, 0x02, 1, 2, 3, 4, 5, 6])]));
  const plain = frame(0x01, Buffer.concat([checksum, Buffer.alloc(100)]));
  const stream = Buffer.concat([
    frame(0xff, Buffer.from("S2sTwO")),
    compressed,
    frame(0xfe, Buffer.alloc(9)),
    plain,
  ]);
  const measured = (bytes: Buffer, piece: number) => {
    const size = new S2Size();
    for (let at = 0; at < bytes.length; at += piece) size.add(bytes.subarray(at, at + piece));
    return [size.contentBytes, size.isWhole];
  };
  for (const piece of [1, 3, 14, 1_000]) {
    assert.deepEqual(measured(stream, piece), [400, true]);
    assert.deepEqual(measured(stream.subarray(0, -1), piece), [300, false]);
    assert.deepEqual(measured(stream.subarray(0, -plain.length), piece), [300, true]);
  }
});
