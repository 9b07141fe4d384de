import assert from "node:assert/strict";
import test from "node:test";
import type { Prediction } from "../../../libs/client/types/processor.ts";
import { lineOf } from "../../../services/cli/terminal/bar.ts";
import { drawPredictions } from "../../../services/cli/terminal/draw-predictions.ts";
import { nearest } from "../../../services/cli/terminal/near.ts";
import { printerOf } from "../../../services/cli/terminal/print.ts";
import type { Paint } from "../../../services/cli/terminal/style.ts";
import { painter } from "../../../services/cli/terminal/style.ts";
import { tableOf } from "../../../services/cli/terminal/table.ts";
import { durationOf, timeOf } from "../../../services/cli/terminal/time.ts";
import { testIo } from "../../fixtures/cli.ts";

const plain: Paint = (text) => text;
const prediction: Prediction = {
  name: "MODEL|d46",
  type: "prototypical",
  frequency: 1,
  potential: 2.416496580928,
  confidence: 2 / 3,
  evidence: 1 / 3,
  fragmentation: 0,
  hamiltonian: 0.61,
  grand_hamiltonian: 0.5,
  entropy: 1.29,
  itfdf_similarity: 0.81,
  confluence: 0.99,
  snr: 0.6,
  similarity: 0.444,
  missing: ["e"],
  matches: ["c", "d"],
  extras: ["q"],
  past: [["a", "b"]],
  present: [["c"], ["d", "e"]],
  future: [["f"]],
  emotives: {},
};

test("predictions are drawn with past, present and future below each other, missing and extra symbols marked", () => {
  const other = { ...prediction, past: [], missing: [], extras: [], future: [["f"], ["gg"]], potential: 2 };
  assert.deepEqual(
    drawPredictions([prediction, other], ["potential", "frequency"], { width: 100, paint: plain }),
    [
      " PAST | PRESENT       | FUTURE    POTENTIAL  FREQUENCY",
      "{a b} | {c} {d -e} +q | {f}           2.416          1",
      "      | {c} {d e}     | {f} {gg}          2          1",
    ],
  );
});

test("of a symbol that is missing once and stands twice in the present, the later one is marked", () => {
  const twice = { ...prediction, present: [["x"], ["x"]], missing: ["x"], extras: [] };
  const [, line] = drawPredictions([twice], [], { width: 100, paint: plain });
  assert.match(line ?? "", /\{x\} \{-x\}/);
});

test("a long past is cut at its beginning and a long future at its end, so that the line fits", () => {
  const events = Array.from({ length: 40 }, (_, index) => [`s${index}`]);
  const lines = drawPredictions([{ ...prediction, past: events, future: events }], ["potential"], {
    width: 70,
    paint: plain,
  });
  for (const line of lines) assert.ok(line.length <= 70, line);
  assert.match(lines[1] ?? "", /^\s*….*\{s39\} \| \{c\} .* \| \{s0\} .*… +2\.416$/);
});

test("a table has its columns below each other, and fits into the width", () => {
  const rows = [
    { id: "p1", depth: 5, remark: "a long remark\nof two lines" },
    { id: "p2345", depth: 12_000, remark: "\x1b[2J" },
  ];
  const columns = [
    { title: "ID", value: (row: { id: string }) => row.id },
    { title: "WAITING", value: (row: { depth: number }) => row.depth, align: "right" as const },
    { title: "REMARK", value: (row: { remark: string }) => row.remark },
  ];
  assert.deepEqual(tableOf(rows, columns, { width: Number.POSITIVE_INFINITY, paint: plain }), [
    "ID     WAITING  REMARK",
    "p1           5  a long remark of two lines",
    "p2345    12000  \\x1b[2J",
  ]);
  assert.equal(tableOf(rows, columns, { width: 24, paint: plain })[1], "p1           5  a long …");
});

test("there are colours on a terminal only, and none with NO_COLOR", () => {
  const colours = (options: Parameters<typeof testIo>[0]) => {
    const io = testIo(options);
    return painter(io, io.out)("x", "red") !== "x";
  };
  const terminal = { columns: 80 };
  assert.equal(colours({ terminal }), true);
  assert.equal(colours({ terminal, variables: { NO_COLOR: "1" } }), false);
  assert.equal(colours({}), false);
});

test("data is a table, one JSON value, or one a line", () => {
  const printed = (format: "table" | "json" | "jsonl") => {
    const io = testIo();
    printerOf(io, format, true).list([{ id: "p1" }, { id: "p2" }], [{ title: "ID", value: ({ id }) => id }]);
    return io.written.out;
  };
  assert.equal(printed("table"), "ID\np1\np2\n");
  assert.deepEqual(JSON.parse(printed("json")), [{ id: "p1" }, { id: "p2" }]);
  assert.equal(printed("jsonl"), '{"id":"p1"}\n{"id":"p2"}\n');
});

test("times, durations and the bar are as people write them", () => {
  assert.equal(timeOf("2026-11-26T07:21:16.123Z", true), "2026-11-26 07:21:16Z");
  const local = new Date(2026, 10, 26, 7, 21, 16).toISOString();
  assert.equal(timeOf(local, false), "2026-11-26 07:21:16");
  assert.deepEqual([0.44, 12, 200, 7_500, 360_000].map(durationOf), [
    "0.4s",
    "12s",
    "3m20s",
    "2h05m",
    "4d04h",
  ]);
  assert.equal(
    lineOf({ share: 0.5, accepted: 1_000, applied: 420, rate: 99.6, etaSeconds: 20 }),
    "[############............]  50%  1,000 accepted  420 applied  100/s  ETA 20s",
  );
});

test("the word that was meant is found, and none where none is near", () => {
  assert.equal(nearest("paus", ["pause", "resume"]), "pause");
  assert.equal(nearest("xyzzy", ["pause", "resume"]), undefined);
});
