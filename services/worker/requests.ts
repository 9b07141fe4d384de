import { status as grpc } from "@grpc/grpc-js";
import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Query } from "../../libs/commands/messages/query.ts";
import { queryOfMessage } from "../../libs/commands/messages/query.ts";
import type { RebuildRequest } from "../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../libs/commands/messages/reply.ts";
import { headersOfReply, maxDataBytes } from "../../libs/commands/messages/reply.ts";
import { cancelSubject, querySubject, rebuildSubject } from "../../libs/commands/messages/subjects.ts";
import type { NatsLink } from "../../libs/nats/connection.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Tracing } from "../../libs/telemetry/span.ts";
import type { Applier } from "./applier/applier.ts";
import { methodLabel } from "./metrics.ts";
import { refused } from "./steps/result.ts";

/** Answers from a processor's applier its queries, whoever gives one of its commands up, and whoever asks for a rebuild. */
export function answerRequests(
  nats: NatsLink,
  applier: Applier,
  { log, tracing }: { log: Logger; tracing: Tracing | undefined },
): Subscription[] {
  const answer = async (message: Msg, reply: () => Promise<Reply>): Promise<void> => {
    if (!message.reply) return;
    try {
      sendReply(nats, message.reply, await reply());
    } catch (error) {
      log.error({ err: error, subject: message.subject }, "cannot answer");
    }
  };
  const rebuild = async (message: Msg): Promise<void> => {
    try {
      message.respond(JSON.stringify(await applier.rebuild(message.json<RebuildRequest>())));
    } catch (error) {
      log.error({ err: error }, "the rebuild that was asked for failed");
    }
  };
  const { connection } = nats;
  return [
    connection.subscribe(querySubject(applier.processor), {
      callback: (_error, message) =>
        void answer(message, () => ask(applier, queryOfMessage(message), tracing)),
    }),
    connection.subscribe(cancelSubject(applier.processor), {
      callback: (_error, message) =>
        void answer(message, async () => applier.cancel(Number(message.string()))),
    }),
    connection.subscribe(rebuildSubject(applier.processor), {
      callback: (_error, message) => void rebuild(message),
    }),
  ];
}

async function ask(applier: Applier, query: Query, tracing: Tracing | undefined): Promise<Reply> {
  const span = tracing?.begin({
    name: `answer ${methodLabel(query.method)}`,
    kind: "server",
    parent: query.trace,
    attributes: { "kato.processor": applier.processor },
  });
  const reply = await applier.query(span ? { ...query, trace: span.context } : query);
  const { outcome } = reply;
  span?.end({ error: outcome === "applied" ? undefined : outcome, attributes: { "kato.outcome": outcome } });
  return reply;
}

/** Sends a reply; one that is larger than NATS takes is replaced by one that says so. */
export function sendReply({ connection, maxPayloadBytes }: NatsLink, subject: string, reply: Reply): void {
  const limit = maxDataBytes(maxPayloadBytes);
  const fits = reply.data.length <= limit;
  const sent = fits ? reply : { ...reply, ...refused(grpc.RESOURCE_EXHAUSTED, `larger than ${limit} bytes`) };
  connection.publish(subject, sent.data, { headers: headersOfReply(sent) });
}
