import type { JetStreamClient } from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { streamOf } from "../messages/subjects.ts";
import type { LogReaderOptions } from "./log-reader.ts";
import { LogReader } from "./log-reader.ts";

/**
 * How often a consumer shows that it is alive. In a cluster it may live on another server than this process is connected
 * to, and only its silence tells that this server is gone. Otherwise the connection tells it, and a thousand idle logs
 * need not be heard of so often.
 */
const heartbeatMs = { clustered: 2_000, alone: 5_000 };

/** Reads a log through a consumer of its own, which NATS removes some time after the reader is gone. */
export function openLogReader(
  connection: NatsConnection,
  streams: JetStreamClient,
  options: Pick<LogReaderOptions, "processor" | "from" | "reopens" | "onLost">,
): LogReader {
  const open = (sequence: number) =>
    streams.consumers.get(streamOf(options.processor), {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence,
      inactive_threshold: 30_000_000_000,
    });
  return new LogReader({
    ...options,
    open,
    heartbeatMs: connection.info?.cluster ? heartbeatMs.clustered : heartbeatMs.alone,
    status: connection.status(),
  });
}
