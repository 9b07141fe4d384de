import type { JetStreamClient } from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { isAtLeast } from "../../nats/servers.ts";
import { streamOf } from "../messages/subjects.ts";
import type { LogReaderOptions } from "./log-reader.ts";
import { LogReader } from "./log-reader.ts";

/**
 * How often a consumer shows that it is alive, and how often it is asked anew.
 *
 * In a cluster it may live on another server than this process is connected to, and only its silence tells that this
 * server is gone. Otherwise the connection tells it, and a thousand idle logs need not be heard of so often. On a log that
 * was made just now, nats-server 2.9 can miss to tell a consumer of new commands, and goes on showing that it is alive.
 * Then it sends them when it is asked anew.
 */
const paces = {
  clustered: { heartbeatMs: 2_000, requestMs: 10_000 },
  old: { heartbeatMs: 5_000, requestMs: 10_000 },
  alone: { heartbeatMs: 15_000, requestMs: 30_000 },
};

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
  return new LogReader({ ...options, open, ...paceOf(connection), status: connection.status() });
}

function paceOf({ info }: NatsConnection) {
  if (info?.cluster) return paces.clustered;
  return isAtLeast(info?.version ?? "", "2.10.0") ? paces.alone : paces.old;
}
