import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { KatoClient } from "../../fixtures/kato-client.ts";
import { spawnSimulator } from "../../fixtures/simulator.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

/** Numbers below a limit, the same for the same seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % limit;
  };
}

test("a simulator that is killed at any moment has everything that it had answered", async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const random = randomOf(seed);
  const SIMULATOR_DATA = temporaryFolder(t);
  const frequencies = new Map<string, number>();
  let unanswered = "";
  for (let life = 0; life < 4; life++) {
    const { kato, service } = await spawnSimulator(t, { SIMULATOR_DATA });
    assert.equal(await kato.interval(), 0);
    await settle(kato, frequencies, unanswered);
    for (const [model, frequency] of frequencies) {
      assert.equal((await kato.model(model)).frequency, frequency, model);
    }
    assert.equal((await kato.status()).models_kb, `{KB| objects: ${frequencies.size}}`);

    const killAfter = 10 + random(200);
    let answered = 0;
    const count = () => ++answered === killAfter && service.kill();
    unanswered = await learnUntilDeath(kato, random, frequencies, count);
    assert.ok(answered >= killAfter);
  }
  assert.ok(frequencies.size > 0);
});

/**
 * Observes and learns until a call gets no answer. Gives the name of the model that was being learned then,
 * or "".
 */
async function learnUntilDeath(
  kato: KatoClient,
  random: (limit: number) => number,
  frequencies: Map<string, number>,
  count: () => unknown,
): Promise<string> {
  for (;;) {
    let learning = "";
    try {
      const sequence = Array.from({ length: 2 + random(3) }, () => [`s${random(6)}`]);
      for (const strings of sequence) {
        await kato.observe({ strings });
        count();
      }
      learning = modelName(sequence);
      await kato.call("Learn", {});
      count();
    } catch {
      return learning;
    }
    frequencies.set(learning, (frequencies.get(learning) ?? 0) + 1);
  }
}

/**
 * Notes whether the unanswered Learn had its effect. A new model, which it may have torn, is deleted, as the
 * worker would do.
 */
async function settle(kato: KatoClient, frequencies: Map<string, number>, model: string): Promise<void> {
  if (model === "") return;
  const before = frequencies.get(model) ?? 0;
  const now = Number((await kato.model(model)).frequency ?? 0);
  assert.ok(now === before || now === before + 1, `${model}: ${before}, then ${now}`);
  if (before > 0) frequencies.set(model, now);
  else if (now > 0) await kato.call("DeleteModel", { name: model });
}
