import { setTimeout as sleep } from "node:timers/promises";
import type { Query } from "../../../libs/commands/messages/query.ts";
import { headersOfQuery } from "../../../libs/commands/messages/query.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { replyOfMessage } from "../../../libs/commands/messages/reply.ts";
import { querySubject } from "../../../libs/commands/messages/subjects.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { isNoResponders } from "../../../libs/nats/errors.ts";
import { checkReachable } from "../fleet/admission.ts";
import type { Backend } from "../fleet/backend.ts";
import { notOwned } from "../fleet/errors.ts";
import { checkQueryReply, noReply } from "./failures.ts";

/** How long to wait before asking again while a processor passes from one worker to another. */
const handOverMs = 50;

/**
 * Sends a query to the worker that runs the processor and waits for its reply. Returns a reply that is a
 * response of the instance, OKAY or FAILED, and throws a GatewayError otherwise. A query never has an effect.
 */
export async function sendQuery(
  backend: Backend,
  processor: string,
  { data, method, after, trace }: Omit<Query, "waitMs">,
  waitMs: number,
): Promise<Reply> {
  checkReachable(backend, { processor, data });
  const context: ErrorContext = { processor, effect: "none" };
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const leftMs = Math.max(Math.ceil(giveUpAt - performance.now()), 1);
    try {
      const message = await backend.nats.connection.request(querySubject(processor), data, {
        timeout: leftMs,
        headers: headersOfQuery({ method, trace, ...(after !== undefined && { after, waitMs: leftMs }) }),
      });
      const reply = replyOfMessage(message);
      if (!isHandedOver(reply)) {
        checkQueryReply(reply, context);
        backend.states.answered(processor, { sequence: after ?? 0, interval: reply.interval });
        return reply;
      }
    } catch (error) {
      if (!isNoResponders(error) || backend.states.isUnowned(processor)) throw noReply(error, context);
    }
    // One worker has given the processor up or has died, and another is taking it over.
    if (performance.now() + handOverMs >= giveUpAt) throw notOwned(context);
    await sleep(handOverMs);
  }
}

function isHandedOver({ outcome, grpcStatus }: Reply): boolean {
  return outcome === "expired" && grpcStatus === grpc.ABORTED;
}
