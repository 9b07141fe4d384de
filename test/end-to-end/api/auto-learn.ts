import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";

/** The names of models by their sequences: the sha1 of what Python prints for the sequence. */
const names = {
  "a b": "MODEL|76d7efca2e96cb5eeddf4e06ac96a0f424630135",
  ab: "MODEL|395314cc2f2880a00c3e6e11f1e02d8b8c45a0e4",
  "b c": "MODEL|5cb72e65621387a043929513dbaf22b1935985b4",
  "a b c": "MODEL|b98534b32c1d7489d4ce1a48724aa65aeecbdba9",
  "a bc": "MODEL|125d09478f2f459a446925902201ad0420dbb7f9",
  "Ａ😀": "MODEL|f5dd5cdeda224061041d23cf4367f999478c96e9",
} as const;

/** What KATO learns by itself when max_sequence_length is set. */
export function autoLearning(system: () => SystemHere): void {
  beforeEach(async () => {
    await setLength(0);
    await post("/clear-all-memory");
  });

  const post = async (path: string, body?: unknown, id = "p1") => {
    const answer = await system().request("POST", `/${id}${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const setLength = (max_sequence_length: number) => post("/genes/change", { data: { max_sequence_length } });
  /** Observes. Gives the name of the model that KATO has learned by itself with it, or "". */
  const observe = async (observation: object, id = "p1") => {
    const { message } = await post("/observe", observation, id);
    return (message as { auto_learned_model: string }).auto_learned_model;
  };
  const observeAll = async (...events: string[][]) => {
    const learned: string[] = [];
    for (const strings of events) learned.push(await observe({ strings }));
    return learned;
  };
  const workingMemory = async () => (await system().request("GET", "/p1/working-memory")).json.message;
  const model = async (name: string) => {
    const { status, json } = await system().request("GET", `/p1/model/${encodeURIComponent(name)}`);
    assert.equal(status, 200);
    return json.message as { sequence: string[][]; frequency: number };
  };

  test("without a maximal length nothing is learned by itself", async () => {
    assert.deepEqual(await observeAll(["a", "b"], ["c"], ["d"]), ["", "", ""]);
  });

  test("with n = 2 every second event sets off a Learn, and that event stays", async () => {
    await setLength(2);
    assert.deepEqual(await observeAll(["a"], ["b"], ["c"]), ["", names["a b"], names["b c"]]);
    assert.deepEqual(await workingMemory(), [["c"]]);
  });

  test("the model that is named has been learned", async () => {
    await setLength(2);
    const [, name = ""] = await observeAll(["a"], ["b"]);
    const { sequence, frequency } = await model(name);
    assert.deepEqual({ sequence, frequency }, { sequence: [["a"], ["b"]], frequency: 1 });
  });

  test("a model that is learned by itself again is named again", async () => {
    await setLength(2);
    await observeAll(["a"], ["b"]);
    await post("/clear-working-memory");
    assert.deepEqual(await observeAll(["a"], ["b"]), ["", names["a b"]]);
    assert.equal((await model(names["a b"])).frequency, 2);
  });

  test("with n = 1 an event alone is learned and does not stay", async () => {
    await setLength(1);
    assert.deepEqual(await observeAll(["b", "a"]), [names.ab]);
    assert.deepEqual(await workingMemory(), []);
  });

  test("with n = 1 a single symbol is not learned and does not stay", async () => {
    await setLength(1);
    assert.deepEqual(await observeAll(["a"], ["b"]), ["", ""]);
    assert.deepEqual(await workingMemory(), []);
  });

  test("with n = 1 the event stays when there was one before it", async () => {
    await observeAll(["a"]);
    await setLength(1);
    assert.deepEqual(await observeAll(["c", "b"]), [names["a bc"]]);
    assert.deepEqual(await workingMemory(), [["b", "c"]]);
  });

  test("a lowered n acts at the next observation, even one that is empty or has only emotives", async () => {
    for (const observation of [{}, { emotives: { joy: 1 } }]) {
      await setLength(0);
      await post("/clear-all-memory");
      await observeAll(["a"], ["b"], ["c"]);
      await setLength(2);
      assert.deepEqual(await workingMemory(), [["a"], ["b"], ["c"]]);
      assert.equal(await observe(observation), names["a b c"]);
      assert.deepEqual(await workingMemory(), [["c"]]);
      assert.equal(await observe(observation), "");
    }
  });

  test("an empty observation with nothing in working memory learns nothing", async () => {
    await setLength(1);
    assert.equal(await observe({}), "");
    assert.equal(await observe({ emotives: { joy: 1 } }), "");
  });

  test("an event's strings are sorted by code point before they are learned", async () => {
    await setLength(1);
    assert.deepEqual(await observeAll(["\u{1F600}", "\uFF21"]), [names["Ａ😀"]]);
  });

  test("what is left after a Learn, a clear or sleep counts towards n", async () => {
    await setLength(2);
    for (const path of ["/learn", "/clear-working-memory", "/sleep", "/clear-all-memory"]) {
      await post("/clear-working-memory");
      await observeAll(["a"]);
      await post(path);
      assert.deepEqual(await observeAll(["b"], ["c"]), ["", names["b c"]], path);
    }
  });

  test("an event of vectors is learned by itself under the name of its symbols", async () => {
    await setLength(1);
    const name = await observe({ strings: ["b", "a"], vectors: [[1, 2, 3]] });
    const { sequence } = await model(name);
    assert.deepEqual(
      sequence.map((event) => event.slice(-2)),
      [["a", "b"]],
    );
    assert.match(String(sequence[0]?.[0]), /^VECTOR\|/);
    const again = await observe({ strings: ["c"], vectors: [[1, 2, 4]] });
    assert.equal((await model(again)).frequency, 1);
  });

  test("a maximal length in the instance's own manifest acts without being set", async () => {
    assert.equal(await observe({ strings: ["a"] }, "learning"), "");
    assert.equal(await observe({ strings: ["b"] }, "learning"), names["a b"]);
  });

  test("after an observation that KATO refuses, the events that are there count", async () => {
    await post("/observe", { strings: ["a"], vectors: [[1, 2]] });
    await post("/learn");
    await setLength(3);
    await observeAll(["a"]);
    const refused = await system().request("POST", "/p1/observe", { strings: ["x"], vectors: [[1, 2, 3]] });
    assert.equal(refused.status, 422);
    const events = (await workingMemory()) as string[][];
    const learned: string[] = [];
    for (let count = events.length; count < 3; count++)
      learned.push(...(await observeAll([`event ${count}`])));
    const name = learned.pop() ?? "";
    assert.equal((await model(name)).sequence.length, 3);
    for (const nothing of learned) assert.equal(nothing, "");
  });
}
