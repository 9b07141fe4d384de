import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";

/** Genes, and the recall threshold. */
export function genes(system: () => SystemHere): void {
  beforeEach(async () => {
    await succeed("/genes/change", { data: { recall_threshold: 0.1, max_sequence_length: 0 } });
    await succeed("/gene/increment-recall-threshold", { increment: 0 });
    await succeed("/clear-all-memory");
  });

  const post = (path: string, body?: unknown) => system().request("POST", `/p1${path}`, body);
  const succeed = (path: string, body?: unknown) => system().succeed("POST", `/p1${path}`, body);
  const change = (body: unknown) => post("/genes/change", body);
  const increment = (by?: number) =>
    post("/gene/increment-recall-threshold", by === undefined ? undefined : { increment: by });
  const gene = async (name: string) => (await system().request("GET", `/p1/gene/${name}`)).json.message;

  test("genes can be read", async () => {
    for (const [name, value] of Object.entries({
      recall_threshold: 0.1,
      max_predictions: 100,
      max_sequence_length: 0,
      persistence: 5,
      smoothness: 3,
      always_update_frequencies: false,
    })) {
      assert.deepEqual(await gene(name), value, name);
    }
  });

  test("an unknown gene is null", async () => {
    const { status, json } = await system().request("GET", "/p1/gene/nothing_of_the_kind");
    assert.equal(status, 200);
    assert.equal(json.message, null);
    for (const name of ["__proto__", "constructor", "a%2Fb", "%E2%82%AC"])
      assert.equal(await gene(name), null, name);
  });

  test("genes under data are answered with updated-genes, genes at the top with genes-updated", async () => {
    const wrapped = await change({ data: { persistence: 7, smoothness: 2 } });
    assert.equal(wrapped.status, 200);
    assert.equal(wrapped.json.message, "updated-genes");
    const plain = await change({ persistence: 6 });
    assert.equal(plain.json.message, "genes-updated");
    assert.ok(plain.headers["kato-sequence"]);
    assert.deepEqual([await gene("persistence"), await gene("smoothness")], [6, 2]);
    await change({ persistence: 5, smoothness: 3 });
  });

  test("a boolean gene takes true and false", async () => {
    assert.equal((await change({ always_update_frequencies: true })).status, 200);
    assert.equal(Number(await gene("always_update_frequencies")), 1);
    assert.equal((await change({ data: { always_update_frequencies: false } })).status, 200);
    assert.equal(Number(await gene("always_update_frequencies")), 0);
  });

  test("where one gene is refused, none is changed", async () => {
    for (const genes of [
      { persistence: 9, max_predictions: 1 },
      { persistence: 9, smoothness: "much" },
    ]) {
      const { status, headers, json } = await change(genes);
      assert.deepEqual([status, json.effect], [422, "none"]);
      assert.equal(headers["kato-sequence"], undefined);
    }
    assert.equal(await gene("persistence"), 5);
  });

  test("a recall threshold set as a gene is read back, but the search does not use it yet", async () => {
    await succeed("/observe", { strings: ["a", "b", "c", "d"] });
    await succeed("/learn");
    await change({ recall_threshold: 0.9 });
    assert.ok(Math.abs(Number(await gene("recall_threshold")) - 0.9) < 1e-6);
    await succeed("/observe", { strings: ["a"] });
    const { json } = await system().request("GET", "/p1/predictions");
    assert.equal((json.message as unknown[]).length, 1);
  });

  test("the search uses a recall threshold that was incremented", async () => {
    await succeed("/observe", { strings: ["a", "b", "c", "d"] });
    await succeed("/learn");
    const predictionsOfA = async () => {
      await succeed("/clear-working-memory");
      await succeed("/observe", { strings: ["a"] });
      return ((await system().request("GET", "/p1/predictions")).json.message as unknown[]).length;
    };
    // The similarity of one symbol to four is 2·1/(1 + 4) = 0.4.
    assert.equal((await increment(0.3)).json.message, 0.4);
    assert.equal(await predictionsOfA(), 1);
    const { status, headers, json } = await increment(0.1);
    assert.equal(status, 200);
    assert.equal(json.message, 0.5);
    assert.ok(headers["kato-sequence"]);
    assert.equal(await gene("recall_threshold"), 0.5);
    assert.equal(await predictionsOfA(), 0);
    assert.equal((await increment(-0.1)).json.message, 0.4);
    assert.equal(await predictionsOfA(), 1);
  });

  test("after an increment of 0 a threshold that was set as a gene is in effect", async () => {
    await change({ recall_threshold: 0.7 });
    assert.equal((await increment(0)).json.message, 0.7);
  });

  test("the threshold is rounded to one decimal, so small steps have no effect", async () => {
    assert.equal((await increment()).json.message, 0.1);
    assert.equal((await increment(0.04)).json.message, 0.1);
    assert.equal((await increment(0.06)).json.message, 0.2);
    assert.equal(
      (await post("/gene/increment-recall-threshold", { data: { increment: 0.1 } })).json.message,
      0.3,
    );
  });

  test("a sum out of range is a 422 and changes nothing; one that is in range once rounded is taken", async () => {
    for (const by of [-0.1, -0.06, 0.96, 1]) {
      const { status, json } = await increment(by);
      assert.equal(status, 422, String(by));
      assert.equal(json.effect, "none");
      assert.equal(await gene("recall_threshold"), 0.1);
    }
    assert.equal((await increment(0.94)).json.message, 1);
  });
}
