import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { viewOf } from "../fixtures/processors.ts";
import { until } from "../fixtures/until.ts";
import { Random } from "../unit/worker/crash-schedules/random.ts";
import type { ChaosSystem } from "./harness/chaos-system.ts";
import {
  freshStart,
  leaseMs,
  ownerOf,
  processor,
  startChaosSystem,
  untilApplied,
} from "./harness/chaos-system.ts";
import { snapshotOf } from "./harness/snapshot.ts";

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 1);
const freezesPerRound = 3;
const clients = 4;

test("however its worker is frozen past its lease, the instance ends with what the log says, or the processor is degraded", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds}`);
  const system = await startChaosSystem(t);
  for (let round = 0; round < rounds; round++) await playRound(t, system, seed + round);
});

/** Freezes whoever owns the processor again and again, while clients send it all kinds of commands. */
async function playRound(t: TestContext, system: ChaosSystem, seed: number): Promise<void> {
  const random = new Random(seed);
  const first = await freshStart(system);
  let isOver = false;
  const sending = Array.from({ length: clients }, async (_, client) => {
    const own = new Random(seed * clients + client);
    for (let count = 0; !isOver; count++) await send(system, own, `${seed}-${client}-${count}`);
  });
  try {
    for (let freeze = 0; freeze < freezesPerRound; freeze++) {
      await sleep(random.integer(300));
      const owner = await ownerOf(system);
      await owner.kill("SIGSTOP");
      await until("another worker has taken over", async () => (await ownerOf(system)) !== owner);
      await sleep(random.integer(leaseMs));
      await owner.kill("SIGCONT");
    }
  } finally {
    isOver = true;
    await Promise.all(sending);
  }
  await untilApplied(system);
  await checkEnd(t, system, first, `CHAOS_SEED=${seed} CHAOS_ROUNDS=1`);
}

/** Sends one command under a key, until its answer is none of a worker that is away. */
async function send({ request }: ChaosSystem, random: Random, key: string): Promise<void> {
  const kind = random.integer(30);
  const headers = { "idempotency-key": key, prefer: "wait=3" };
  const strings = [`s${random.integer(4)}`, `t${random.integer(4)}`];
  const commands = [
    ["/learn", {}],
    ["/clear-working-memory", {}],
    ["/genes/change", { data: { max_sequence_length: random.integer(2) * 6 } }],
  ] as const;
  const [path, body] = commands[kind] ?? ["/observe", { strings }];
  await request("POST", `/${processor}${path}`, body, headers).catch(() => {});
}

/** What a late call has done is mended within moments of when it is noticed. */
async function checkEnd(t: TestContext, system: ChaosSystem, first: number, about: string): Promise<void> {
  const played = await system.truth.play(first);
  const models = new Set(played.models);
  const expected = await snapshotOf(played.instance, models);
  let found: object = {};
  await until(`the instance has what the log says: ${about}`, async () => {
    found = await snapshotOf(system.instance, models);
    return isDeepStrictEqual(found, expected) || (await viewOf(system.request)).degraded !== undefined;
  }).catch(() => assert.deepEqual(found, expected, about));
  const { degraded } = await viewOf(system.request);
  if (degraded !== undefined) {
    assert.match(String(degraded), /somebody else|frozen/, about);
    assert.deepEqual(await system.instance.workingMemory(), await played.instance.workingMemory(), about);
  }
  t.diagnostic(`${played.commands.size} commands, ${degraded ?? "exact"}: ${about}`);
}
