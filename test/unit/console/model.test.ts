import assert from "node:assert/strict";
import test from "node:test";
import type { Ingestion } from "../../../libs/client/types/bulk.ts";
import type { AuditEntry, Processor } from "../../../libs/client/types/gateway.ts";
import type { Prediction } from "../../../libs/client/types/processor.ts";
import { formatAddress, parseAddress } from "../../../services/console/model/address.ts";
import { adviceFor } from "../../../services/console/model/advice.ts";
import { auditFilterOf, entriesOf } from "../../../services/console/model/audit-view.ts";
import {
  findBegun,
  formatBegun,
  isExpected,
  parseBegun,
} from "../../../services/console/model/begun-uploads.ts";
import { comparePredictions, differingEvents } from "../../../services/console/model/compare.ts";
import { editableRequest, newCommandOf } from "../../../services/console/model/edit-command.ts";
import { fleetViewOf, processorsOf } from "../../../services/console/model/fleet-view.ts";
import { formatBytes, formatNumber, formatSeconds } from "../../../services/console/model/format.ts";
import { ingestionInWords, reportInWords } from "../../../services/console/model/ingestion-words.ts";
import { emptyKeyForm, keyRequestOf } from "../../../services/console/model/key-form.ts";
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
  assert.match(adviceFor(processor("p", { state: "down", reason: "refused" }))?.problem ?? "", /^Refused\.$/);
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

test("an upload that was begun is found by its file, unless it is too old", () => {
  const file = { processor: "p1", name: "events.ndjson", size: 10, lastModified: 5 };
  const begun = { ...file, key: "k", begunAtMs: 1_000 };
  const kept = formatBegun([{ ...begun, processor: "p2" }, begun]);
  const found = findBegun(parseBegun(kept, 2_000), file);
  assert.deepEqual(found, begun);
  assert.equal(isExpected(begun, file), true);
  assert.equal(isExpected(begun, { ...file, size: 11 }), false);
  // It was to be corrected, so it is expected to be another one.
  assert.equal(isExpected({ ...begun, stoppedAtLine: 3 }, { ...file, size: 11 }), true);
  assert.equal(findBegun(parseBegun(kept, 8 * 86_400_000), file), undefined);
  for (const text of [null, "{", '{"a": 1}']) assert.deepEqual(parseBegun(text, 0), []);
});

test("two processors' events and predictions are compared by place and by model", () => {
  assert.deepEqual(differingEvents([["a"], ["b"]], [["a"], ["c"], ["d"]]), new Set([1, 2]));
  const prediction = (name: string, potential: number) => ({ name, potential }) as Prediction;
  const compared = comparePredictions(
    [prediction("m1", 1), prediction("m2", 2)],
    [prediction("m3", 3), prediction("m2", 2), prediction("m1", 0.5)],
    "potential",
  );
  assert.deepEqual(
    compared.map(({ name, left, right, isSame }) => [name, left?.potential, right?.potential, isSame]),
    [
      ["m3", undefined, 3, false],
      ["m2", 2, 2, true],
      ["m1", 1, 0.5, false],
    ],
  );
});

test("the audit trail is filtered, and its newest entry is the first", () => {
  const entry = (sequence: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
    ...{ sequence, time: `2030-01-0${sequence}T00:00:00Z`, action: "login", principal: "key:a", name: "Ann" },
    ...{ address: "10.0.0.7", request: "", method: "POST", path: "/session", status: 200 },
    ...more,
  });
  const entries = [
    entry(1),
    entry(2, { processor: "p1", action: "processor.paused" }),
    entry(3, { name: "Bob" }),
  ];
  const found = (query: Record<string, string>) =>
    entriesOf(auditFilterOf(query), entries).map(({ sequence }) => sequence);
  assert.deepEqual(found({}), [3, 2, 1]);
  assert.deepEqual(found({ who: "ann" }), [2, 1]);
  assert.deepEqual(found({ action: "processor.paused", processor: "p1" }), [2]);
  assert.deepEqual(found({ since: "2030-01-02T00:00:00Z", until: "2030-01-02T12:00:00Z" }), [2]);
});

test("a new key asks for what was written, and an ingestion is told in words", () => {
  const form = { ...emptyKeyForm, name: " ingest ", scope: "write", processors: "p1, le* p2" };
  assert.deepEqual(keyRequestOf(form, ""), {
    name: "ingest",
    grants: { processors: ["p1", "le*", "p2"], scope: "write" },
  });
  const report = { ingestion: "i", accepted: 1, first_sequence: 7, last_sequence: 7, rejected: [] };
  assert.equal(reportInWords(report), "1 observation is stored as command 7.");
  const ingestion: Ingestion = {
    ...{ ...report, accepted: 2_000, processor: "p1", state: "applying", intake: "complete", applied: 1_200 },
    ...{ failed: 3, unknown: 0, lost: 0, queued: 797, rate: 100, eta_seconds: 8, created_at: "" },
  };
  assert.equal(ingestionInWords(ingestion), "1\u2009200 of 2\u2009000 applied, 3 failed, about 8 s left.");
});
