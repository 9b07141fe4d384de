import type { OpenAPIV3_1 } from "openapi-types";
import { Type } from "typebox";
import type { ErrorCode, ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { errorCatalog, GatewayError } from "../../../libs/errors/gateway-error.ts";
import { problemOf } from "../http/problem.ts";
import { IngestionReport } from "./answer-schemas.ts";
import type { ResponseHeader } from "./headers.ts";
import { headerReferences } from "./headers.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];

/** What every problem says (RFC 9457). */
export const Problem = Type.Object({
  type: Type.String({ description: "What it is, for programs to branch on: `urn:kato:problem:…`" }),
  title: Type.String({ description: "The same for every problem of its type" }),
  status: Type.Integer({ description: "The HTTP status" }),
  detail: Type.String({
    description: "What happened, for people; of a traceback of KATO only the last line",
  }),
  retryable: Type.Boolean({ description: "Whether sending the same again can help" }),
  request_id: Type.String({ description: "The request, as the gateway's log names it" }),
  processor: Type.Optional(Type.String({ description: "The processor's id" })),
  effect: Type.Optional(
    Type.Union([Type.Literal("none"), Type.Literal("applied"), Type.Literal("unknown")], {
      description: "Whether the processor was changed; `unknown` where that cannot be proved",
    }),
  ),
  command: Type.Optional(Type.String({ description: "The command's id, where one was made" })),
  sequence: Type.Optional(Type.Integer({ description: "The command's place in the command log" })),
  errors: Type.Optional(
    Type.Array(Type.Object({ field: Type.String(), detail: Type.String() }), {
      description: "Which parts of the input are wrong, and why",
    }),
  ),
});

const processor = "p46b6b076c";
const command = "GTY7Q2ZK1M4S8N3V5B6C9D";
const none: ErrorContext = { processor, effect: "none" };

/** An example of each error that a request can be answered with. */
const examples: Partial<Record<ErrorCode, { detail: string; context?: ErrorContext }>> = {
  BODY_NOT_JSON: {
    detail: "The body is not JSON: Unexpected end of JSON input",
    context: { effect: "none" },
  },
  BAD_REQUEST: { detail: "'/p1/model/%' is not a valid url component", context: { effect: "none" } },
  PROCESSOR_NOT_FOUND: { detail: `Processor ${processor} not found`, context: none },
  COMMAND_NOT_FOUND: { detail: `No command ${command} of the last 24 hours.`, context: { processor } },
  DEAD_LETTER_NOT_FOUND: { detail: "No dead letter of sequence 42.", context: none },
  MODEL_NOT_FOUND: { detail: "No model MODEL|0", context: none },
  VECTOR_NOT_FOUND: { detail: "No vector VECTOR|0", context: none },
  INGESTION_NOT_FOUND: { detail: "Ingestion x not found", context: { processor } },
  STILL_QUEUED: { detail: "3 commands are not applied yet; ?force=true leaves them.", context: none },
  PAUSED: { detail: "A paused processor replays nothing; resume it first.", context: none },
  KEY_RUNNING: {
    detail: "The first request with this Idempotency-Key is still running.",
    context: { processor, command, effect: "unknown" },
  },
  TOO_LARGE: { detail: "The request is 5000000 bytes for KATO, the limit is 4194304.", context: none },
  INVALID_INPUT: {
    detail: "strings[1]: must be string",
    context: { effect: "none", errors: [{ field: "strings[1]", detail: "must be string" }] },
  },
  KATO_REJECTED: {
    detail: "ValueError: operands could not be broadcast together with shapes (3,) (2,)",
    context: { ...none, command, sequence: 42 },
  },
  KEY_REUSED: {
    detail: "This Idempotency-Key was used for another request.",
    context: {
      ...none,
      errors: [{ field: "Idempotency-Key", detail: "was used with another body or path" }],
    },
  },
  QUEUE_FULL: {
    detail: "10000000 commands wait for this processor, and no more than 10000000 may.",
    context: none,
  },
  QUEUE_TOO_LONG: {
    detail: "40000 commands wait, which takes about 80 s, and the client waits for 30 s.",
    context: none,
  },
  QUEUE_PAUSED: {
    detail: "The processor is paused, and 17 commands wait until it is resumed.",
    context: none,
  },
  LOG_FULL: { detail: "The command log of this processor takes no more.", context: { ...none, command } },
  NOT_SUPPORTED: {
    detail: "This KATO cannot do GetPredictions.",
    context: none,
  },
  KATO_FAILED: {
    detail: "KeyError: 'emotives'",
    context: { processor, command, sequence: 42, effect: "unknown" },
  },
  ANSWER_TOO_LARGE: { detail: "The answer is larger than 4194304 bytes.", context: none },
  INSTANCE_UNAVAILABLE: { detail: "The processor's KATO instance cannot be reached.", context: none },
  NOT_OWNED: { detail: "No worker runs this processor at the moment.", context: none },
  GATEWAY_STOPPING: { detail: "The gateway is being stopped.", context: none },
  NATS_UNAVAILABLE: { detail: "NATS cannot be reached.", context: none },
  DEADLINE_PASSED: { detail: "It was not started in time, and will not be.", context: { ...none, command } },
  EFFECT_UNKNOWN: {
    detail: `The command was started, and its end was not seen. What became of it is at GET /${processor}/commands/${command}`,
    context: { processor, command, sequence: 42, effect: "unknown" },
  },
};

const ofCommand = ["Kato-Sequence", "Kato-Command"] as const;

/** When each status is answered, and with which headers. */
const statuses = {
  400: { when: "The request cannot be read, or its body is not JSON.", headers: [] },
  404: { when: "There is no such processor, or nothing of that name.", headers: ofCommand },
  409: { when: "Something else has to end first.", headers: ["Retry-After", ...ofCommand] },
  413: { when: "The request is larger than KATO or NATS takes; `detail` says the limit.", headers: [] },
  422: { when: "The input is wrong, and `errors` names the field; or KATO refused it.", headers: ofCommand },
  429: {
    when: "Too much waits for this processor, or its command log takes no more for now.",
    headers: ["Retry-After", "RateLimit", "RateLimit-Policy", ...ofCommand],
  },
  501: { when: "This KATO cannot do that.", headers: ofCommand },
  502: { when: "KATO failed, or its answer is too large.", headers: ofCommand },
  503: {
    when: "The instance, its worker or NATS is away, or the gateway is being stopped.",
    headers: ["Retry-After", ...ofCommand],
  },
  504: {
    when:
      "There was no answer in the time asked for. With `effect: none` the command was not started and never will be; with " +
      "`unknown` it may have been applied, and `GET /{id}/commands/{command}` tells what became of it.",
    headers: ofCommand,
  },
} as const satisfies Record<number, { when: string; headers: readonly ResponseHeader[] }>;

export type ProblemStatus = keyof typeof statuses;

const bulkStatuses = [400, 404, 409, 413, 422, 429, 503] as const satisfies ProblemStatus[];
const ofIngestion = ["Location", "Kato-Ingestion"] as const;

/** What the problem of a bulk request says besides, once it was begun: what of it was stored until then. */
export const BulkProblem = Type.Object({
  ...Problem.properties,
  ...Type.Partial(IngestionReport).properties,
});

/** The answers of failed requests, by the name that references have of them. */
export const problemResponses: Record<string, OpenAPIV3_1.ResponseObject> = Object.fromEntries([
  ...Object.keys(statuses).map((status) => [`Problem${status}`, responseOf(status, "Problem", [])]),
  ...bulkStatuses.map((status) => [
    `BulkProblem${status}`,
    responseOf(String(status), "BulkProblem", ofIngestion),
  ]),
]);

function responseOf(
  status: string,
  schema: "Problem" | "BulkProblem",
  moreHeaders: readonly ResponseHeader[],
): OpenAPIV3_1.ResponseObject {
  const { when, headers } = statuses[Number(status) as ProblemStatus];
  return {
    description: when,
    headers: headerReferences([...headers, ...moreHeaders]),
    content: {
      "application/problem+json": {
        schema: { $ref: `#/components/schemas/${schema}` },
        examples: examplesOf(Number(status)),
      },
    },
  };
}

function examplesOf(status: number): Record<string, OpenAPIV3_1.ExampleObject> {
  const ofStatus = codes.filter((code) => errorCatalog[code].status === status);
  return Object.fromEntries(
    ofStatus.flatMap((code) => {
      const example = examples[code];
      if (!example) return [];
      const problem = problemOf(new GatewayError(code, example.detail, example.context));
      const value = { ...problem, request_id: "NB4E2T9Q7JX0W5ZC1R8KAM" };
      return [[code.toLowerCase().replaceAll("_", "-"), { summary: errorCatalog[code].title, value }]];
    }),
  );
}

/** References to the answers of these statuses. */
export function problemReferences(wanted: readonly ProblemStatus[]) {
  return references("Problem", wanted);
}

/** References to the answers of a bulk request that failed. */
export function bulkProblemReferences() {
  return references("BulkProblem", bulkStatuses);
}

function references(name: string, wanted: readonly ProblemStatus[]) {
  return Object.fromEntries(
    wanted.map((status) => [status, { $ref: `#/components/responses/${name}${status}` }]),
  );
}
