import assert from "node:assert/strict";
import { test } from "node:test";
import { readTraceContext, traceIdOf, writeTraceContext } from "../../../libs/telemetry/trace-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const read = (headers: Record<string, unknown>) => readTraceContext((name) => headers[name]);

test("a trace context is passed on as it came", () => {
  for (const headers of [{ traceparent }, { traceparent, tracestate: "congo=t61rcWkgMzE,rojo=00f067" }]) {
    const written: Record<string, string> = {};
    const trace = read(headers);
    writeTraceContext(trace, (name, value) => {
      written[name] = value;
    });
    assert.deepEqual(written, headers);
    assert.equal(trace && traceIdOf(trace), traceId);
  }
});

test("an invalid trace context counts as none (W3C Trace Context, traceparent)", () => {
  for (const wrong of [
    "",
    undefined,
    [traceparent],
    "nonsense",
    `${traceparent}-more`,
    traceparent.toUpperCase(),
    ` ${traceparent}`,
    `${traceparent}\n`,
    `${traceparent}, ${traceparent}`,
    `ff-${traceId}-b7ad6b7169203331-01`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId}-b7ad6b7169203331`,
  ]) {
    assert.equal(read({ traceparent: wrong }), undefined, JSON.stringify(wrong));
  }
});

test("of a later version the known part is used", () => {
  assert.deepEqual(read({ traceparent: `cc${traceparent.slice(2)}-what-the-future-will-be-like` }), {
    traceparent,
  });
});

test("a tracestate that cannot be passed on is left out", () => {
  for (const tracestate of ["", "a=\n", "a=ü", "a".repeat(513), ["a=1"], undefined]) {
    assert.deepEqual(read({ traceparent, tracestate }), { traceparent });
  }
  assert.equal(read({ tracestate: "a=1" }), undefined);
});
