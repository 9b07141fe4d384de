import { setImmediate } from "node:timers/promises";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { RequestOf } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { Backend } from "../fleet/backend.ts";
import { targetOf } from "../fleet/backend.ts";
import { withNats } from "../fleet/errors.ts";
import { readWait } from "../http/headers.ts";
import { invalid } from "../http/problem.ts";
import type { QueryAnswer, Wording } from "./answer.ts";
import { queryAnswer } from "./answer.ts";
import type { HttpExchange } from "./run-command.ts";
import { sendQuery } from "./send-query.ts";

const largeBytes = 64 * 1024;

/**
 * Sends a query to the processor that the path names, as the headers `Prefer` and `Kato-After` demand.
 * Returns the HTTP answer, with the message that `word` makes of KATO's response. Throws a GatewayError for
 * everything else.
 */
export async function runQuery<M extends Method>(
  { options, request, reply }: HttpExchange,
  method: M,
  message: RequestOf<M>,
  word: Wording,
): Promise<QueryAnswer> {
  const { backend, processor } = targetOf(options, request);
  const { waitMs, applied } = readWait(request.headers.prefer);
  if (applied !== undefined) reply.header("preference-applied", applied);
  const after = await readKatoAfter(backend, processor, request.headers["kato-after"]);
  const data = encodeRequest(method, message);
  const query = { method, data, trace: request.trace, ...(after > 0 && { after }) };
  const received = await sendQuery(backend, processor, query, waitMs);
  request.isRefusable = true;
  const isLarge = received.data.length > largeBytes;
  // Reading a large answer and writing it are turns of the event loop of their own.
  if (isLarge) await setImmediate();
  const answer = queryAnswer(processor, method, received, word, request.log);
  if (isLarge) await setImmediate();
  return answer;
}

/**
 * The sequence in a query's `Kato-After`, 0 without the header. It must be one that the log has given to a
 * command. Throws INVALID_INPUT naming the header.
 */
async function readKatoAfter(
  backend: Backend,
  processor: string,
  header: string | string[] | undefined,
): Promise<number> {
  if (header === undefined) return 0;
  const { logs, states } = backend;
  const text = [header].flat().join(",").trim();
  const sequence = /^\d{1,15}$/.test(text) ? Number(text) : invalid("Kato-After", "must be a sequence");
  if (sequence <= (states.get(processor)?.last ?? 0)) return sequence;
  const last = await withNats(backend, processor, () => logs.last(processor));
  return sequence <= last ? sequence : invalid("Kato-After", `the log of this processor ends at ${last}`);
}
