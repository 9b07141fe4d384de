import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/transport-node";
import { headerReader, headersOf } from "../../../libs/nats/headers.ts";
import { receivedHeaders } from "../../fixtures/received-headers.ts";

test("headers are received as they were written", () => {
  const values = {
    "Kato-Method": "Observe",
    "Nats-Msg-Id": "i1.7",
    "Kato-Principal": "Zoë: 7",
    "Kato-Form": "",
  };
  const read = headerReader(receivedHeaders(headersOf(values)));
  for (const [name, value] of Object.entries(values)) assert.equal(read(name), value);
  assert.equal(read("Kato-Wait"), "");
});

test("a value cannot add a header of its own", () => {
  for (const value of ["x\r\nNats-Rollup: all", "x\ny", "x\r"]) {
    assert.throws(() => headersOf({ "Kato-Principal": value }), InvalidArgumentError);
  }
});

test("headers that were written are not read or changed unnoticed", () => {
  const headers = headersOf({ "Kato-Method": "Observe" });
  assert.throws(() => headers.get("Kato-Method"));
  assert.throws(() => headers.set("Kato-Method", "Learn"));
  assert.throws(() => headers.append("Kato-Form", "data"));
  assert.throws(() => headers.has("Kato-Method"));
  assert.throws(() => headerReader(headers));
});
