import { jetstream } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { connect, nuid } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { headersOfCommand } from "../../libs/commands/messages/command.ts";
import { commandSubject } from "../../libs/commands/messages/subjects.ts";
import { encodeRequest } from "../../libs/kato/codec.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { startNatsCluster } from "../fixtures/nats-cluster.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { receivedHeaders } from "../fixtures/received-headers.ts";
import { startGateway } from "../fixtures/services.ts";
import { until } from "../fixtures/until.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";

const viaGateway = "p1";
const raw = "p2";
const synced = { jetstream: ["sync_interval: always"] };

interface Way {
  name: string;
  goal: string;
  replicas: number;
  /** Starts NATS. */
  start: () => Promise<AsyncDisposable & { url: string }>;
  /** How many observations the request has, and how many messages are published. */
  counts: { request: number; raw: number };
  /** How many of these are under way. */
  inFlight: number;
}

const ways = {
  /** Against as many under way as the gateway has, without batches. */
  bulk_accept: {
    name: "bulk_accept",
    goal: ">= 1.5",
    replicas: 1,
    start: () => startNats(),
    counts: { request: 50_000, raw: 50_000 },
    inFlight: 512,
  },
  bulk_accept_always: {
    name: "bulk_accept_always",
    goal: ">= 8",
    replicas: 1,
    start: () => startNats(synced),
    counts: { request: 10_000, raw: 1_000 },
    inFlight: 512,
  },
  /** Against what is left without batches: one at a time (docs/decisions/0012). */
  bulk_accept_r3: {
    name: "bulk_accept_r3",
    goal: ">= 20",
    replicas: 3,
    start: () => startNatsCluster(synced),
    counts: { request: 10_000, raw: 200 },
    inFlight: 1,
  },
} satisfies Record<string, Way>;

export const bulkAccept = () => measure(ways.bulk_accept);
export const bulkAcceptAlways = () => measure(ways.bulk_accept_always);
export const bulkAcceptReplicated = () => measure(ways.bulk_accept_r3);

const observationOf = (number: number) => ({
  strings: ["alpha", `beta-${number}`],
  emotives: { joy: 0.5 },
  metadata: { source: "bench" },
  unique_id: `obs-${String(number).padStart(16, "0")}`,
});

/**
 * How many observations of one NDJSON request are stored per second, against publishing the same messages with
 * nats.js to the same NATS. Nothing is applied meanwhile: there is no worker.
 */
async function measure({ name, goal, replicas, start, counts, inFlight }: Way): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await start());
  // Never called.
  const KATO_PROCESSORS = JSON.stringify({ [viaGateway]: "127.0.0.1:9", [raw]: "127.0.0.1:9" });
  const env = { KATO_PROCESSORS, NATS_REPLICAS: String(replicas) };
  const gateway = stack.use(await startGateway({ natsUrl: nats.url, env, nodeArgs: process.execArgv }));
  const send = sendTo(gateway.url);
  await until("the gateway is ready", async () => (await send("GET", "/ready")).status === 200);
  const connection = await connect({ servers: nats.url.split(","), noAsyncTraces: true });
  stack.defer(() => connection.close());
  const logs = await CommandLogs.open(connection, { replicas, maxBytes: -1 });
  await Promise.all([logs.ensure(viaGateway), logs.ensure(raw)]);

  const numbers = Array.from({ length: counts.request }, (_, index) => index + 1);
  const body = Buffer.from(numbers.map((number) => `${JSON.stringify(observationOf(number))}\n`).join(""));
  const requests = numbers
    .slice(0, counts.raw)
    .map((number) => encodeRequest("Observe", observationOf(number)));
  const streams = jetstream(connection);

  const ingest = async () => {
    const startedAt = performance.now();
    const response = await fetch(`${gateway.url}/${viaGateway}/observations`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    const { accepted } = (await response.json()) as { accepted?: number };
    if (accepted !== counts.request) throw new Error(`${response.status}: ${accepted} were stored`);
    return rateSince(startedAt, counts.request);
  };
  const publish = async () => {
    const ingestion = nuid.next();
    const messages = requests.map((data, index) => ({
      data,
      headers: headersOf(ingestion, index + 1, data),
    }));
    const startedAt = performance.now();
    let next = 0;
    const publishNext = async () => {
      for (let message = messages[next++]; message; message = messages[next++]) {
        await streams.publish(commandSubject(raw), message.data, { headers: message.headers });
      }
    };
    await Promise.all(Array.from({ length: inFlight }, publishNext));
    return rateSince(startedAt, counts.raw);
  };
  const rounds = await alternate(5, ingest, publish);
  return [figureOf({ name, unit: "observations/s", goal }, rounds, (rate) => rate)];
}

/** As nats.js makes them itself. */
function headersOf(ingestion: string, line: number, data: Buffer): MsgHdrs {
  const id = `${ingestion}.${line}`;
  return receivedHeaders(headersOfCommand({ id, processor: raw, method: "Observe", data, ingestion }));
}

function rateSince(startedAt: number, count: number): number {
  return (count * 1_000) / (performance.now() - startedAt);
}
