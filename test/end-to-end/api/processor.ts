import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";

/** What a processor tells of itself, and its modes. */
export function processorData(system: () => SystemHere): void {
  beforeEach(async () => {
    await succeed("POST", "/clear-all-memory");
    await succeed("POST", "/wake");
  });

  const request = (method: string, path: string, body?: unknown) =>
    system().request(method, `/p46b6b076c${path}`, body);
  const succeed = (method: string, path: string, body?: unknown) =>
    system().succeed(method, `/p46b6b076c${path}`, body);
  const get = async (path: string) => {
    const { status, json } = await request("GET", path);
    assert.equal(status, 200, path);
    return json.message;
  };

  test("a ping, the name and the time", async () => {
    assert.equal(await get("/ping"), "okay");
    assert.equal(await get("/name"), "P1");
    assert.equal(await get("/time"), 0);
    await succeed("POST", "/observe", {});
    assert.equal(await get("/time"), 1);
  });

  test("the status has KATO's fields", async () => {
    await succeed("POST", "/observe", { strings: ["a", "b"] });
    await succeed("POST", "/learn");
    await succeed("POST", "/observe", { strings: ["a", "b"], emotives: { joy: 0.5 } });
    const status = (await get("/status")) as Record<string, unknown>;
    assert.deepEqual(Object.keys(status).sort(), [
      "AUTOLEARN",
      "PREDICT",
      "SLEEPING",
      "emotives",
      "last_command",
      "last_learned_model_name",
      "models_kb",
      "name",
      "num_observe_call",
      "size_WM",
      "target",
      "time",
      "vectors_kb",
    ]);
    const { name, PREDICT, SLEEPING, target, size_WM, models_kb, emotives } = status;
    assert.deepEqual(
      { name, PREDICT, SLEEPING, target, size_WM, models_kb, emotives },
      {
        name: "P1",
        PREDICT: true,
        SLEEPING: false,
        target: null,
        size_WM: 2,
        models_kb: "{KB| objects: 1}",
        emotives: { joy: 0.5 },
      },
    );
  });

  test("the percept data are the latest observation as it was sent, and are empty after a clear", async () => {
    await succeed("POST", "/observe", { strings: ["b", "a"], vectors: [[1, 2]], emotives: { joy: 0.1 } });
    assert.deepEqual(await get("/percept-data"), {
      strings: ["b", "a"],
      vectors: [[1, 2]],
      emotives: { joy: 0.1 },
      path: ["P1-p46b6b076c-process"],
      metadata: {},
    });
    await succeed("POST", "/clear-working-memory");
    assert.deepEqual(await get("/percept-data"), {});
  });

  test("the cognition data have every field, empty ones included", async () => {
    await succeed("POST", "/observe", { strings: ["a"] });
    await succeed("POST", "/observe", { strings: ["b"], emotives: { joy: 0.1 } });
    assert.deepEqual(await get("/cognition-data"), {
      predictions: [],
      emotives: { joy: 0.1 },
      symbols: ["b"],
      command: "",
      metadata: {},
      path: [],
      strings: [],
      vectors: [],
      working_memory: [["a"], ["b"]],
    });
  });

  test("the cognition data have the predictions, with the names of the proto", async () => {
    for (const strings of [["a", "b"], ["c"]]) await succeed("POST", "/observe", { strings });
    await succeed("POST", "/learn");
    await succeed("POST", "/observe", { strings: ["a"] });
    const { predictions } = (await get("/cognition-data")) as { predictions: Record<string, unknown>[] };
    const [prediction] = predictions;
    const { frequency, past, present, future, missing, matches, extras } = prediction ?? {};
    assert.deepEqual(
      { frequency, past, present, future, missing, matches, extras },
      {
        frequency: 1,
        past: [],
        present: [["a", "b"]],
        future: [["c"]],
        missing: ["b"],
        matches: ["a"],
        extras: [],
      },
    );
  });

  test("sleep and wake are confirmed, and sleep empties working memory", async () => {
    await succeed("POST", "/observe", { strings: ["a"] });
    const asleep = await request("POST", "/sleep");
    assert.equal(asleep.json.message, "asleep");
    assert.ok(asleep.headers["kato-sequence"]);
    assert.deepEqual(await get("/working-memory"), []);
    assert.equal((await request("POST", "/wake")).json.message, "awake");
  });

  test("a command without a body takes an empty one and any other", async () => {
    for (const body of [undefined, "", "{}", "null", "[1]", '"x"']) {
      const { status, json } = await request("POST", "/wake", body);
      assert.equal(status, 200, `${body}: ${json.detail}`);
    }
  });

  test("a target class is a 501, as this KATO cannot do it", async () => {
    for (const [method, body] of [
      ["PUT", { target_class: "x" }],
      ["DELETE", undefined],
    ] as const) {
      const { status, headers, json } = await request(method, "/target-class", body);
      assert.equal(status, 501);
      assert.match(headers["content-type"] ?? "", /^application\/problem\+json/);
      assert.equal(json.effect, "none");
      assert.equal(json.retryable, false);
      assert.equal(json.processor, "p46b6b076c");
    }
  });
}
