import { jetstream } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { connect, nuid } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { headersOfCommand } from "../../libs/commands/messages/command.ts";
import { commandSubject } from "../../libs/commands/messages/subjects.ts";
import { encodeRequest } from "../../libs/kato/codec.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { startGateway } from "../fixtures/services.ts";
import type { Figure } from "./rounds.ts";
import { alternate, figureOf } from "./rounds.ts";

const observations = 50_000;
/** As many as the gateway has under way. */
const inFlight = 512;
const viaGateway = "p1";
const raw = "p2";

const observationOf = (number: number) => ({
  strings: ["alpha", `beta-${number}`],
  emotives: { joy: 0.5 },
  metadata: { source: "bench" },
  unique_id: `obs-${String(number).padStart(16, "0")}`,
});

/**
 * How many observations of one NDJSON request are stored per second, against raw pipelined publishing of the
 * same messages with nats.js. Nothing is applied meanwhile: there is no worker.
 */
export async function bulkAccept(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  // Never called.
  const KATO_PROCESSORS = JSON.stringify({ [viaGateway]: "127.0.0.1:9", [raw]: "127.0.0.1:9" });
  const gateway = stack.use(await startGateway({ natsUrl: nats.url, env: { KATO_PROCESSORS } }));
  const connection = await connect({ servers: nats.url, noAsyncTraces: true });
  stack.defer(() => connection.close());
  const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
  await Promise.all([logs.ensure(viaGateway), logs.ensure(raw)]);

  const numbers = Array.from({ length: observations }, (_, index) => index + 1);
  const body = Buffer.from(numbers.map((number) => `${JSON.stringify(observationOf(number))}\n`).join(""));
  const requests = numbers.map((number) => encodeRequest("Observe", observationOf(number)));
  const streams = jetstream(connection);

  const ingest = async () => {
    const startedAt = performance.now();
    const response = await fetch(`${gateway.url}/${viaGateway}/observations`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    const { accepted } = (await response.json()) as { accepted?: number };
    if (accepted !== observations) throw new Error(`${response.status}: ${accepted} were stored`);
    return rateSince(startedAt);
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
    return rateSince(startedAt);
  };
  const rounds = await alternate(5, ingest, publish);
  return [figureOf({ name: "bulk_accept", unit: "observations/s", goal: ">= 0.5" }, rounds, (rate) => rate)];
}

function headersOf(ingestion: string, line: number, data: Buffer): MsgHdrs {
  return headersOfCommand({ id: `${ingestion}.${line}`, processor: raw, method: "Observe", data, ingestion });
}

function rateSince(startedAt: number): number {
  return (observations * 1_000) / (performance.now() - startedAt);
}
