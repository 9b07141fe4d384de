import assert from "node:assert/strict";
import test from "node:test";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { Prediction } from "../../../libs/client/types/processor.ts";
import { formatAddress, parseAddress } from "../../../services/console/model/address.ts";
import { adviceFor } from "../../../services/console/model/advice.ts";
import { editableRequest, newCommandOf } from "../../../services/console/model/edit-command.ts";
import { fleetViewOf, processorsOf } from "../../../services/console/model/fleet-view.ts";
import { formatBytes, formatNumber, formatSeconds } from "../../../services/console/model/format.ts";
import { firstOfPage, logFilterOf } from "../../../services/console/model/log-view.ts";
import { readObservation } from "../../../services/console/model/observation-input.ts";
import { aroundPresent, pictureOf } from "../../../services/console/model/picture.ts";

const processor = (id: string, more: Partial<Processor> = {}): Processor => ({
  ...{ id, name: id, endpoint: "kato:1441", grpc_tls: false, source: "rest", paused: false, healthy: true },
  ...{ state: "ready", applied: 1, depth: 0, oldest_seconds: 0, rate: 0 },
  ...more,
});

test("an address is read as it was written, whatever is in it", () => {
  const query = { q: "a&b=c?", sender: "key:1/2" };
  assert.deepEqual(parseAddress(formatAddress(["processors", "a/b %"], { ...query, empty: "" })), {
    path: ["processors", "a/b %"],
    query,
  });
  assert.deepEqual(parseAddress("#/%E0%A4%A/x"), { path: ["%E0%A4%A", "x"], query: {} });
});

test("there is advice only where somebody can do something", () => {
  for (const state of ["ready", "applying", "rebuilding"] as const) {
    assert.equal(adviceFor(processor("p", { state, depth: 5 })), undefined);
  }
  assert.equal(adviceFor(processor("p", { state: "paused", paused: true })), undefined);
  assert.match(adviceFor(processor("p", { state: "paused", depth: 2 }))?.remedy ?? "", /^Resume/);
  assert.match(adviceFor(processor("p", { state: "down", reason: "refused" }))?.problem ?? "", /refused/);
  for (const state of ["held", "unowned"] as const) assert.ok(adviceFor(processor("p", { state })));
  assert.ok(adviceFor(processor("p", { degraded: "lost" })));
});

test("the fleet is searched, filtered and sorted, and a wrong address shows all of it", () => {
  const fleet = [
    processor("p10", { depth: 3 }),
    processor("p2", { depth: null }),
    processor("p1", { state: "down" }),
  ];
  const ids = (query: Record<string, string>) => processorsOf(fleetViewOf(query), fleet).map(({ id }) => id);
  assert.deepEqual(ids({}), ["p1", "p2", "p10"]);
  assert.deepEqual(ids({ sort: "depth", desc: "1" }), ["p10", "p1", "p2"]);
  assert.deepEqual(ids({ state: "attention" }), ["p1"]);
  assert.deepEqual(ids({ q: " P1 " }), ["p1", "p10"]);
  assert.deepEqual(ids({ state: "nosuch", sort: "constructor?" }), ["p1", "p2", "p10"]);
});

test("an observation is read as it was meant, and what is not understood is told", () => {
  const read = (strings: string, vectors = "", emotives = "") =>
    readObservation({ strings, vectors, emotives });
  assert.deepEqual(read("b, a\n c"), { observation: { strings: ["b", "a", "c"] } });
  assert.deepEqual(read('["a, b"]', "1 2\n[3, 4]", "joy=0.5, fear: -1"), {
    observation: {
      strings: ["a, b"],
      vectors: [
        [1, 2],
        [3, 4],
      ],
      emotives: { joy: 0.5, fear: -1 },
    },
  });
  assert.deepEqual(read("", "[[1,2],[3,4]]"), {
    observation: {
      vectors: [
        [1, 2],
        [3, 4],
      ],
    },
  });
  for (const [field, wrong] of [
    ["strings", read("")],
    ["strings", read("[1]")],
    ["vectors", read("", "1 x")],
    ["vectors", read("", "1 2\n3")],
    ["emotives", read("", "", "joy")],
  ] as const) {
    assert.ok("field" in wrong && wrong.field === field && wrong.error !== "", field);
  }
});

test("a prediction's picture says of each symbol what it is, and a long model is cut around its present", () => {
  const past = Array.from({ length: 100 }, (_, index) => [`p${index}`]);
  const prediction = {
    past,
    present: [["a", "b"]],
    future: [["c"]],
    missing: ["b"],
  } as unknown as Prediction;
  const picture = pictureOf(prediction);
  assert.deepEqual(
    picture[100]?.symbols.map(({ part }) => part),
    ["matched", "missing"],
  );
  const { shown, before, after } = aroundPresent(picture, 10);
  assert.equal(before + shown.length + after, picture.length);
  assert.ok(shown.some(({ time }) => time === "present"));
});

test("the log begins with its latest page, and with its first where it is searched", () => {
  assert.equal(firstOfPage(logFilterOf({}), 1_000), 901);
  assert.equal(firstOfPage(logFilterOf({ method: "Learn" }), 1_000), 1);
  assert.equal(firstOfPage(logFilterOf({ from: "5" }), 1_000), 5);
  assert.equal(logFilterOf({ from: "five" }).from, undefined);
});

test("a dead letter is offered to be edited with what the API takes, and sent with all that was written", () => {
  const logged = { strings: ["a"], path: [], symbols: [], command: "", unique_id: "u", emotives: {} };
  assert.deepEqual(editableRequest("Observe", logged), { strings: ["a"] });
  assert.deepEqual(newCommandOf("Observe", '{"strnigs": []}'), {
    method: "POST",
    path: ["observe"],
    body: { strnigs: [] },
  });
  assert.equal(typeof newCommandOf("Observe", "{"), "string");
  assert.equal(typeof newCommandOf("Learn", "{}"), "string");
});

test("numbers are written for people", () => {
  assert.deepEqual([4.26, 59.6, 200, 3_600, 90_000].map(formatSeconds), [
    "4.3 s",
    "1 min",
    "3 min 20 s",
    "1 h",
    "1 d 1 h",
  ]);
  assert.deepEqual(
    [999, 1_234_567.5].map((number) => formatNumber(number, 1)),
    ["999", "1\u2009234\u2009567.5"],
  );
  assert.deepEqual([12, 4_000_000].map(formatBytes), ["12 B", "4.0 MB"]);
});
