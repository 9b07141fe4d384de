import type { JetStreamClient } from "@nats-io/jetstream";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startNatsCluster } from "../fixtures/nats-cluster.ts";
import { startNats } from "../fixtures/nats-server.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf, median, percentile } from "./rounds.ts";

const rounds = 9;
const singly = 300;
const atOnce = 64;
const together = 2_000;
const message = new Uint8Array(64);
const synced = { jetstream: ["sync_interval: always"] };

interface Round {
  /** Of the publishes one at a time, sorted. */
  latenciesMs: number[];
  /** With many under way. */
  perSecond: number;
}

/**
 * What a publish takes until JetStream acknowledges it, by what the acknowledgement is worth
 * (docs/durability.md), against the least that it can be worth: one replica, synced to the disk some time.
 */
export async function durability(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const single = async (options: { jetstream?: string[] }) => {
    const nats = stack.use(await startNats(options));
    return nats.url;
  };
  const cluster = async (options: { jetstream?: string[] }) => {
    const nats = stack.use(await startNatsCluster(options));
    return nats.url;
  };
  const open = async (url: string, replicas: number) => {
    const connection = await connect({ servers: url.split(","), noAsyncTraces: true });
    stack.defer(() => connection.close());
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "S", subjects: ["s"], num_replicas: replicas });
    return jetstream(connection);
  };
  const baseline = await open(await single({}), 1);
  const ways = [
    { name: "durability_r1_always", streams: await open(await single(synced), 1) },
    { name: "durability_r3", streams: await open(await cluster({}), 3) },
    { name: "durability_r3_always", streams: await open(await cluster(synced), 3) },
  ];
  const figures: Figure[] = [];
  for (const { name, streams } of ways) {
    const measured = await alternate(
      rounds,
      () => publish(streams),
      () => publish(baseline),
    );
    const figure = figureOf({ name, unit: "ms p50", goal: "none" }, measured, ({ latenciesMs }) =>
      percentile(latenciesMs, 0.5),
    );
    const p99 = (of: Round[]) => median(of.map(({ latenciesMs }) => percentile(latenciesMs, 0.99)));
    const rate = (of: Round[]) => Math.round(median(of.map(({ perSecond }) => perSecond)));
    figures.push({
      ...figure,
      p99: Number(p99(measured.value).toPrecision(3)),
      baselineP99: Number(p99(measured.baseline).toPrecision(3)),
      perSecond: rate(measured.value),
      baselinePerSecond: rate(measured.baseline),
    });
  }
  return figures;
}

async function publish(streams: JetStreamClient): Promise<Round> {
  const latenciesMs: number[] = [];
  for (let index = 0; index < singly; index++) {
    const sentAt = performance.now();
    await streams.publish("s", message);
    latenciesMs.push(performance.now() - sentAt);
  }
  const startedAt = performance.now();
  let left = together;
  const some = async () => {
    while (left-- > 0) await streams.publish("s", message);
  };
  await Promise.all(Array.from({ length: atOnce }, some));
  const perSecond = (together * 1_000) / (performance.now() - startedAt);
  return { latenciesMs: latenciesMs.sort((a, b) => a - b), perSecond };
}
