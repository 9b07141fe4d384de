import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";

interface Prediction {
  [field: string]: unknown;
  name: string;
  frequency: number;
}

/** Learning, and predictions. */
export function predicting(system: () => SystemHere): void {
  beforeEach(() => post("/clear-all-memory"));

  const post = async (path: string, body?: unknown) => {
    const answer = await system().request("POST", `/p1${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const observeAll = async (...events: string[][]) => {
    for (const strings of events) await post("/observe", { strings });
  };
  const learn = async (...events: string[][]) => {
    await observeAll(...events);
    return (await post("/learn")).message;
  };
  const predictions = async () =>
    (await system().request("GET", "/p1/predictions")).json.message as Prediction[];
  const parts = ({ past, present, future, missing, matches, extras }: Prediction) => ({
    past,
    present,
    future,
    missing,
    matches,
    extras,
  });

  test("Learn answers with the model's name and its prefix, and leaves working memory empty", async () => {
    // sha1 of what Python prints for [['a', 'b'], ["it's"]].
    assert.equal(await learn(["b", "a"], ["it's"]), "MODEL|8ecb9b09a9e57d65d0e209347d39bcc7e75eb601");
    assert.deepEqual((await system().request("GET", "/p1/working-memory")).json.message, []);
  });

  test("Learn of one symbol or none learns nothing, and empties working memory", async () => {
    assert.equal(await learn(), "");
    assert.equal(await learn(["lonely"]), "");
    assert.deepEqual((await system().request("GET", "/p1/working-memory")).json.message, []);
  });

  test("a sequence that is learned twice is one model of frequency 2", async () => {
    const first = await learn(["a"], ["b"]);
    assert.equal(await learn(["a"], ["b"]), first);
    await observeAll(["a"]);
    assert.deepEqual(
      (await predictions()).map(({ name, frequency }) => ({ name, frequency })),
      [{ name: first, frequency: 2 }],
    );
  });

  test("there are no predictions before anything matches", async () => {
    assert.deepEqual(await predictions(), []);
    await learn(["a"], ["b"]);
    await observeAll(["unheard of"]);
    assert.deepEqual(await predictions(), []);
  });

  test("a prediction has whole events as past, present and future, and names what is missing and what is extra", async () => {
    const name = await learn(["a", "b"], ["c", "d"], ["e"], ["f", "g"]);
    await observeAll(["c", "x"], ["e"]);
    const [prediction, ...others] = await predictions();
    assert.deepEqual(others, []);
    assert.ok(prediction);
    assert.equal(prediction.name, name);
    assert.equal(prediction.type, "prototypical");
    assert.equal(prediction.frequency, 1);
    assert.deepEqual(parts(prediction), {
      past: [["a", "b"]],
      present: [["c", "d"], ["e"]],
      future: [["f", "g"]],
      missing: ["d"],
      matches: ["c", "e"],
      extras: ["x"],
    });
  });

  test("a prediction has all of KATO's measures, as numbers", async () => {
    await learn(["a"], ["b"], ["c"], ["d"]);
    await observeAll(["a"], ["b"]);
    const [prediction] = await predictions();
    // By hand, from the formulas of docs/kato.md: M has 4 symbols, S 2, both matched, in one block.
    const expected = { evidence: 0.5, confidence: 1, fragmentation: 0, snr: 1, similarity: 2 / 3 };
    for (const [field, value] of Object.entries(expected)) {
      assert.ok(Math.abs(Number(prediction?.[field]) - value) < 1e-9, `${field}: ${prediction?.[field]}`);
    }
    for (const field of [
      "potential",
      "entropy",
      "hamiltonian",
      "grand_hamiltonian",
      "itfdf_similarity",
      "confluence",
    ]) {
      assert.equal(typeof prediction?.[field], "number", field);
    }
  });

  test("a prediction has the average of the emotives that the model was learned with", async () => {
    for (const joy of [1, 3]) {
      await post("/observe", { strings: ["a"], emotives: { joy } });
      await post("/observe", { strings: ["b"] });
      await post("/learn");
    }
    await observeAll(["a"]);
    assert.deepEqual((await predictions())[0]?.emotives, { joy: 2 });
  });

  test("the best prediction comes first", async () => {
    const other = await learn(["a"], ["x"], ["y"], ["z"]);
    const best = await learn(["a"], ["b"]);
    await observeAll(["a"], ["b"]);
    assert.deepEqual(
      (await predictions()).map(({ name }) => name),
      [best, other],
    );
  });

  test("predictions can be asked for with the latest unique_id, in every way there is", async () => {
    const name = await learn(["a"], ["b"]);
    await post("/observe", { strings: ["a"], unique_id: "latest one" });
    for (const [method, query, body] of [
      ["GET", "?unique_id=latest%20one", undefined],
      ["POST", "?unique_id=latest+one", undefined],
      ["POST", "", { unique_id: "latest one" }],
      ["POST", "", { data: { unique_id: "latest one" } }],
      ["POST", "", {}],
      ["POST", "", undefined],
      ["GET", "", undefined],
    ] as const) {
      const { status, json } = await system().request(method, `/p1/predictions${query}`, body);
      assert.equal(status, 200, `${method} ${query} ${JSON.stringify(body)}: ${JSON.stringify(json)}`);
      assert.deepEqual(
        (json.message as Prediction[]).map((prediction) => prediction.name),
        [name],
      );
    }
  });

  test("predictions for an older observation are a 501 that says so", async () => {
    await post("/observe", { strings: ["a"], unique_id: "older" });
    await post("/observe", { strings: ["b"], unique_id: "newer" });
    const { status, json } = await system().request("GET", "/p1/predictions?unique_id=older");
    assert.equal(status, 501);
    assert.match(String(json.detail), /latest observation/);
    assert.equal(json.effect, "none");
    assert.equal(json.processor, "p1");
  });

  test("while predicting is stopped there are no predictions, and after it is started there are", async () => {
    await learn(["a"], ["b"]);
    assert.equal((await post("/stop-predicting")).message, "deactivated-predictions");
    await observeAll(["a"]);
    assert.deepEqual(await predictions(), []);
    assert.equal((await post("/start-predicting")).message, "activated-predictions");
    await observeAll(["b"]);
    assert.equal((await predictions()).length, 1);
  });
}
