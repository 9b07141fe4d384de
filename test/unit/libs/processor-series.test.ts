import assert from "node:assert/strict";
import { test } from "node:test";
import { gaugeText, ProcessorCounter } from "../../../libs/telemetry/processor-series.ts";

test("a counter by processor has a series for each of its other labels, in the format of Prometheus", () => {
  const counter = new ProcessorCounter({ name: "kato_x_total", help: "What" }, () => true);
  counter.inc("p1", { method: "replay", outcome: "okay" });
  counter.inc("p1", { outcome: "okay", method: "replay" }, 2);
  counter.inc("p2", {}, 0);
  counter.inc("", { outcome: "NO_ROUTE" });
  assert.equal(
    counter.text(),
    `
# HELP kato_x_total What
# TYPE kato_x_total counter
kato_x_total{processor="p1",method="replay",outcome="okay"} 3
kato_x_total{processor="p2"} 0
kato_x_total{processor="",outcome="NO_ROUTE"} 1
`,
  );
});

test("the series of a processor that is not registered go for good; those of none stay", () => {
  const registered = new Set(["p1"]);
  const counter = new ProcessorCounter({ name: "kato_x_total", help: "What" }, (id) => registered.has(id));
  for (const processor of ["p1", ""]) counter.inc(processor);
  registered.clear();
  assert.doesNotMatch(counter.text(), /"p1"/);
  registered.add("p1");
  assert.doesNotMatch(counter.text(), /"p1"/);
  assert.match(counter.text(), /kato_x_total\{processor=""\} 1/);
});

test("a gauge by processor has a series for each state, and none without states", () => {
  const named = { name: "kato_y", help: "What" };
  const text = gaugeText(named, [{ processor: "p1", rate: 0.5 }], ({ rate }) => rate);
  assert.equal(text, '\n# HELP kato_y What\n# TYPE kato_y gauge\nkato_y{processor="p1"} 0.5\n');
  assert.equal(
    gaugeText(named, [], () => 0),
    "\n# HELP kato_y What\n# TYPE kato_y gauge\n",
  );
});
