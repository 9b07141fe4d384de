import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";

/** Models and vectors: reading, deleting, and what cannot be done. */
export function modelsAndVectors(system: () => SystemHere): void {
  beforeEach(() => system().succeed("POST", "/p1/clear-all-memory"));

  const request = (method: string, path: string, body?: unknown) =>
    system().request(method, `/p1${path}`, body);
  const succeed = (method: string, path: string, body?: unknown) =>
    system().succeed(method, `/p1${path}`, body);
  const learn = async (...events: object[]) => {
    for (const event of events) assert.equal((await request("POST", "/observe", event)).status, 200);
    return String((await request("POST", "/learn")).json.message);
  };
  const pathOf = (name: string) => `/model/${encodeURIComponent(name)}`;

  test("a model has its sequence, and its name has the prefix", async () => {
    const name = await learn({ strings: ["b", "a"] }, { strings: ["c"] });
    const { status, json } = await request("GET", pathOf(name));
    assert.equal(status, 200);
    assert.deepEqual(json.message, {
      name,
      frequency: 1,
      length: 3,
      sequence: [["a", "b"], ["c"]],
      emotives: {},
    });
    assert.equal(json.id, "p1");
  });

  test("a model is found with the prefix encoded, plain or left out", async () => {
    const name = await learn({ strings: ["a", "b"] });
    for (const path of [
      name.replace("|", "%7C"),
      name.replace("|", "%7c"),
      name,
      name.slice("MODEL|".length),
    ]) {
      const { status, json } = await request("GET", `/model/${path}`);
      assert.equal(status, 200, path);
      assert.equal((json.message as { name: string }).name, name);
    }
  });

  test("a model has the emotives that it was learned with", async () => {
    const name = await learn({ strings: ["a"], emotives: { joy: 0.5 } }, { strings: ["b"] });
    const { emotives } = (await request("GET", pathOf(name))).json.message as { emotives: unknown };
    assert.deepEqual(emotives, [{ joy: 0.5 }]);
  });

  test("an unknown model is a 404 that names it", async () => {
    for (const name of ["MODEL|nothing", "x", "%", "€", "__proto__", "a/b", "MODEL|"]) {
      const { status, json } = await request("GET", pathOf(name));
      assert.equal(status, 404, name);
      assert.match(String(json.type), /model-not-found/);
      assert.ok(String(json.detail).includes(name));
    }
  });

  test("a deleted model is gone, and deleting it again is a 404", async () => {
    const name = await learn({ strings: ["a", "b"] });
    const deleted = await request("DELETE", pathOf(name));
    assert.equal(deleted.status, 200);
    assert.equal(deleted.json.message, "deleted");
    assert.ok(deleted.headers["kato-sequence"]);
    assert.equal((await request("GET", pathOf(name))).status, 404);
    const again = await request("DELETE", pathOf(name));
    assert.equal(again.status, 404);
    assert.equal(again.json.effect, "none");
    assert.ok(again.headers["kato-sequence"]);
  });

  test("a deleted model is no longer predicted", async () => {
    const name = await learn({ strings: ["a"] }, { strings: ["b"] });
    await succeed("DELETE", pathOf(name));
    await succeed("POST", "/observe", { strings: ["a"] });
    assert.deepEqual((await request("GET", "/predictions")).json.message, []);
  });

  test("updating a model is a 501, as this KATO cannot do it", async () => {
    const name = await learn({ strings: ["a", "b"] });
    const { status, json } = await request("PUT", pathOf(name), { frequency: 3, emotives: [{ joy: 1 }] });
    assert.equal(status, 501);
    assert.equal(json.effect, "none");
    assert.equal(json.retryable, false);
  });

  test("a vector is found under the symbol that stands for it in working memory, with its prefix or without", async () => {
    await succeed("POST", "/observe", { strings: ["a"], vectors: [[1, 2.5, -3]] });
    const events = (await request("GET", "/working-memory")).json.message as string[][];
    const symbol = events[0]?.find((name) => name.startsWith("VECTOR|")) ?? "";
    assert.equal((await request("GET", `/vector/${encodeURIComponent(symbol)}`)).status, 404);
    await succeed("POST", "/learn");
    for (const name of [symbol, symbol.slice("VECTOR|".length)]) {
      const { status, json } = await request("GET", `/vector/${encodeURIComponent(name)}`);
      assert.equal(status, 200);
      assert.deepEqual(json.message, [1, 2.5, -3]);
    }
  });

  test("the vectors of one observation become one symbol, that of their sum, before its strings", async () => {
    await succeed("POST", "/observe", {
      strings: ["A"],
      vectors: [
        [1, 2],
        [3, 4],
      ],
    });
    await succeed("POST", "/observe", { vectors: [[4, 6]] });
    const [mixed, sum] = (await request("GET", "/working-memory")).json.message as string[][];
    assert.deepEqual(mixed, [...(sum ?? []), "A"]);
  });

  test("an unknown vector is a 404", async () => {
    const { status, json } = await request("GET", "/vector/VECTOR%7Cnothing");
    assert.equal(status, 404);
    assert.match(String(json.type), /vector-not-found/);
  });

  test("vectors of another length than those learned are a 422 with only the last line of KATO's text", async () => {
    await learn({ strings: ["a"], vectors: [[1, 2]] });
    const { status, headers, text, json } = await request("POST", "/observe", { vectors: [[1, 2, 3]] });
    assert.equal(status, 422);
    assert.match(String(json.detail), /could not be broadcast together/);
    assert.ok(headers["kato-sequence"]);
    assert.doesNotMatch(text, /Traceback|File|line \d/);
  });

  test("a model name with a line break is an unknown name like any other", async () => {
    const { status, json } = await request("DELETE", pathOf("MODEL|one\ntwo"));
    assert.deepEqual({ status, effect: json.effect }, { status: 404, effect: "none" });
  });
}
