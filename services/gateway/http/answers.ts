import type { FastifyInstance } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { probePaths } from "./probe-paths.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whether nothing was changed, so that the answer may be refused. It is, for a GET. */
    isRefusable: boolean;
  }
}

/** Answers up to this size are not counted: the kernel takes them at once. */
const smallBytes = 16 * 1024;

/** JSON that is passed on as the text that it is. It must be valid. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Writes answers as JSON, and counts what they take until their clients have read them. One that the budget
 * has no room for becomes a 503, unless something was done for it. A `message` that is RawJson is not parsed
 * to be written again.
 */
export function writeAnswers(app: FastifyInstance, budget: MemoryBudget): void {
  app.setReplySerializer((payload) => {
    if (!hasRawMessage(payload)) return JSON.stringify(payload);
    const { message, ...others } = payload;
    return `${JSON.stringify(others).slice(0, -1)},"message":${message.text}}`;
  });
  app.decorateRequest("isRefusable", false);
  app.addHook("onSend", (request, reply, payload, done) => {
    const { length } = typeof payload === "string" || Buffer.isBuffer(payload) ? payload : "";
    if (length <= smallBytes || probePaths.has(request.url)) return done();
    const share = budget.share();
    try {
      if (request.isRefusable || request.method === "GET") share.resize(length);
      else share.insist(length);
    } catch (error) {
      return done(GatewayError.from(error));
    }
    reply.raw.once("close", () => share.release());
    done();
  });
}

function hasRawMessage(payload: unknown): payload is { message: RawJson } {
  return (
    typeof payload === "object" &&
    payload !== null &&
    "message" in payload &&
    payload.message instanceof RawJson
  );
}
