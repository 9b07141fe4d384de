import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Query } from "../../../libs/commands/messages/query.ts";
import { queryOfMessage } from "../../../libs/commands/messages/query.ts";
import type { RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { headersOfReply, maxDataBytes } from "../../../libs/commands/messages/reply.ts";
import { cancelSubject, querySubject, rebuildSubject } from "../../../libs/commands/messages/subjects.ts";
import { methodLabel } from "../../../libs/kato/compound-commands.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import { refused } from "../model/step-outcome.ts";
import type { ProcessorTelemetry } from "./processor-environment.ts";
import type { ProcessorSlot } from "./slot.ts";

/** Answers what gateways ask of a processor beside its log: queries, cancels and rebuilds. */
export class Requests {
  readonly #nats: NatsLink;
  readonly #slot: ProcessorSlot;
  readonly #telemetry: Pick<ProcessorTelemetry, "tracing" | "log">;
  readonly #subscriptions: Subscription[];

  constructor(nats: NatsLink, slot: ProcessorSlot, telemetry: Pick<ProcessorTelemetry, "tracing" | "log">) {
    this.#nats = nats;
    this.#slot = slot;
    this.#telemetry = telemetry;
    const { connection } = nats;
    this.#subscriptions = [
      subscribe(connection, querySubject(slot.id), (message) => void this.#answerQuery(message)),
      subscribe(connection, cancelSubject(slot.id), (message) => void this.#answerCancel(message)),
      subscribe(connection, rebuildSubject(slot.id), (message) => void this.#answerRebuild(message)),
    ];
  }

  /** Takes no more requests. Resolves once those that have arrived are being answered. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#subscriptions.map((subscription) => subscription.drain()));
  }

  async #answerQuery(message: Msg): Promise<void> {
    const query = queryOfMessage(message);
    const span = this.#telemetry.tracing?.begin({
      name: `answer ${methodLabel(query.method)}`,
      kind: "server",
      parent: query.trace,
      attributes: { "kato.processor": this.#slot.id },
    });
    const traced: Query = span ? { ...query, trace: span.context } : query;
    const outcome = await this.#send(message, () => this.#slot.query(traced));
    span?.end({
      error: outcome === "applied" ? undefined : outcome,
      attributes: { "kato.outcome": outcome },
    });
  }

  async #answerCancel(message: Msg): Promise<void> {
    await this.#send(message, () => this.#slot.cancel(Number(message.string())));
  }

  async #answerRebuild(message: Msg): Promise<void> {
    try {
      message.respond(JSON.stringify(await this.#slot.rebuild(message.json<RebuildRequest>())));
    } catch (error) {
      this.#telemetry.log.error({ err: error }, "the rebuild that was asked for failed");
    }
  }

  /** Sends the reply to a message. Resolves to its outcome, or to "error" if there is none. */
  async #send(message: Msg, answer: () => Promise<Reply>): Promise<string> {
    if (!message.reply) return "error";
    try {
      const reply = await answer();
      sendReply(this.#nats, message.reply, reply);
      return reply.outcome;
    } catch (error) {
      this.#telemetry.log.error({ err: error, subject: message.subject }, "cannot answer");
      return "error";
    }
  }
}

function subscribe(connection: NatsConnection, subject: string, take: (message: Msg) => void): Subscription {
  return connection.subscribe(subject, { callback: (_error, message) => take(message) });
}

/** Sends a reply. If it is larger than NATS takes, another reply is sent that says so. */
export function sendReply(
  { connection, maxPayloadBytes }: { connection: Pick<NatsConnection, "publish">; maxPayloadBytes: number },
  subject: string,
  reply: Reply,
): void {
  const limit = maxDataBytes(maxPayloadBytes);
  const fits = reply.data.length <= limit;
  const sent = fits ? reply : { ...reply, ...refused(grpc.RESOURCE_EXHAUSTED, `larger than ${limit} bytes`) };
  connection.publish(subject, sent.data, { headers: headersOfReply(sent) });
}
