import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { backUp } from "../../libs/backup/back-up.ts";
import { snapshotStream } from "../../libs/backup/stream-snapshot.ts";
import { streamOf } from "../../libs/commands/messages/subjects.ts";
import { keySubject } from "../../libs/nats/buckets.ts";
import { startSimulator } from "../../services/simulator/server.ts";
import { linesOfTexts, ndjson, texts } from "../fixtures/bulk.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { viewOf } from "../fixtures/processors.ts";
import { startGateway, startWorker } from "../fixtures/services.ts";
import { until } from "../fixtures/until.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";

const commands = 100_000;
const inFlight = 512;
const id = "p1";
const stopping = new AbortController().signal;

/**
 * For how long a backup pauses a processor that has 100,000 commands in its log and as many kept outcomes, and
 * is applying commands, against JetStream's snapshot of the log alone.
 */
export async function backupPause(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const simulator = await startSimulator({ manifest: { id }, delayMs: 1 });
  stack.defer(() => simulator.stop());
  const nats = stack.use(await startNats());
  const KATO_PROCESSORS = JSON.stringify({ [id]: simulator.endpoint });
  const gateway = stack.use(await startGateway({ natsUrl: nats.url, env: { KATO_PROCESSORS } }));
  const send = sendTo(gateway.url, 120_000);
  await send("POST", `/${id}/observations`, linesOfTexts(texts(commands)), ndjson);
  const connection = await connect({ servers: nats.url, noAsyncTraces: true });
  stack.defer(() => connection.close());
  await keepOutcomes(connection);
  stack.use(await startWorker({ natsUrl: nats.url }));
  await until("it is applying", async () => (await viewOf(send, id)).state === "applying");

  let whole = 0;
  const pauseMs = async () => {
    const folder = await mkdtemp(join(tmpdir(), "kato-backup-"));
    const startedAt = performance.now();
    const { processors } = await backUp({ connection, folder, stopping, progress: () => {} });
    whole = performance.now() - startedAt;
    await rm(folder, { recursive: true });
    return processors[0]?.paused_ms ?? Number.NaN;
  };
  const snapshotMs = async () => {
    const startedAt = performance.now();
    await snapshotStream(connection, streamOf(id), async () => {}, stopping);
    return performance.now() - startedAt;
  };
  const rounds = await alternate(5, pauseMs, snapshotMs);
  const figure = figureOf({ name: "backup_pause", unit: "ms", goal: "value < 2000 ms" }, rounds, (ms) => ms);
  return [{ ...figure, wholeMs: Math.round(whole) }];
}

async function keepOutcomes(connection: NatsConnection): Promise<void> {
  const streams = jetstream(connection);
  const record = `{"command": "c", "state": "applied"}\n${"r".repeat(200)}`;
  let next = 0;
  const putNext = async () => {
    while (next < commands) await streams.publish(keySubject("outcomes", `${id}.c${next++}`), record);
  };
  await Promise.all(Array.from({ length: inFlight }, putNext));
}
