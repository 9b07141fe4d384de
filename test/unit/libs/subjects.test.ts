import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cancelSubject,
  commandSubject,
  isProcessorId,
  querySubject,
  stateSubject,
  streamOf,
} from "../../../libs/commands/messages/subjects.ts";
import { entryProblem, isEndpoint } from "../../../libs/registry/processor-entry.ts";

test("an id is 1 to 64 letters, digits, _ and -", () => {
  for (const id of ["p46b6b076c", "P", "0", "_", "-", "a-b_C9", "x".repeat(64)])
    assert.ok(isProcessorId(id), id);
  for (const id of ["", "x".repeat(65), "a.b", "a b", "a/b", "*", ">", "é", "a\n", "\na", "a\u0000", "p1|"]) {
    assert.ok(!isProcessorId(id), JSON.stringify(id));
  }
});

test("the gateway's own paths are no ids, but names like them are", () => {
  for (const id of ["kato-api", "connect", "health", "ready", "processors", "metrics", "docs", "console"]) {
    assert.ok(!isProcessorId(id), id);
    assert.ok(isProcessorId(`${id}1`), id);
    assert.ok(isProcessorId(id.toUpperCase()), id);
  }
  assert.ok(!isProcessorId("openapi.json"));
});

test("an id makes subjects with one token for it, all different, and a name for a stream", () => {
  const id = fc.string({ unit: fc.constantFrom(..."abzAZ09_-"), minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(id, (processor) => {
      fc.pre(isProcessorId(processor));
      const subjects = [commandSubject, querySubject, cancelSubject, stateSubject].map((of) => of(processor));
      assert.equal(new Set(subjects).size, 4);
      for (const subject of subjects) assert.deepEqual(subject.split(".").slice(0, 2), ["kato", processor]);
      for (const subject of subjects) assert.equal(subject.split(".").length, 3);
      assert.match(streamOf(processor), /^[^\s.*>/\\]+$/);
    }),
  );
});

test("an endpoint is a host or an address, with a port", () => {
  for (const endpoint of ["127.0.0.1:1441", "kato-1.kato.svc:65535", "localhost:1", "[::1]:1441", "a_b:80"]) {
    assert.ok(isEndpoint(endpoint), endpoint);
  }
  for (const endpoint of [
    "",
    "kato",
    ":1441",
    "kato:",
    "kato:0",
    "kato:65536",
    "::1:1441",
    "tcp://x:1",
    "a b:1",
    "x:1/",
    "x:1\n",
  ]) {
    assert.ok(!isEndpoint(endpoint), JSON.stringify(endpoint));
  }
});

test("the host of an endpoint is a name, or an address in its usual form", () => {
  for (const endpoint of [
    "kato_1.kato-net.:1",
    "10.0.0.1:1",
    "[fe80::1]:1",
    "[::ffff:10.0.0.1]:1",
    "xn--kt-1ia.example:1",
    "7up:1",
  ]) {
    assert.ok(isEndpoint(endpoint), endpoint);
  }
  // Resolvers take these for IPv4 addresses too.
  for (const endpoint of [
    "127.1:1",
    "2130706433:1",
    "0x7f000001:1",
    "0x7f.1:1",
    "1.2.3.256:1",
    "127.0.0.1.:1",
    "12:30",
  ]) {
    assert.ok(!isEndpoint(endpoint), endpoint);
  }
  for (const endpoint of ["[1.2.3.4]:1", "[fe80::1%eth0]:1", "[]:1", "a..b:1", ".a:1", `${"a".repeat(64)}:1`])
    assert.ok(!isEndpoint(endpoint), endpoint);
});

test("the message about a wrong entry quotes the entry", () => {
  const right = { id: "p1", name: "The left eye, é 👁", grpc_endpoint: "kato:1441" };
  assert.equal(entryProblem(right), undefined);
  assert.match(entryProblem({ ...right, id: "p 1" }) ?? "", /"p 1"/);
  assert.match(entryProblem({ ...right, grpc_endpoint: "kato" }) ?? "", /"kato"/);
  for (const name of ["", "a\nb", "a\u0000", "a\u202eb", "a\u2028", "\ud800", "x".repeat(129)])
    assert.match(entryProblem({ ...right, name }) ?? "", /not a name/, JSON.stringify(name));
  assert.equal(entryProblem({ ...right, name: "x".repeat(128) }), undefined);
});
