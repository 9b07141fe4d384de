import type { OpenAPIV3_1 } from "openapi-types";
import type { ErrorCode, ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { errorCatalog, GatewayError } from "../../../libs/errors/gateway-error.ts";
import { problemOf } from "../http/problem.ts";
import { exampleCommand, exampleProcessor, exampleUniqueId } from "./examples.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];
const processor = exampleProcessor;
const command = exampleCommand;
const none: ErrorContext = { processor, effect: "none" };

/** An example of each error that the document shows. */
const examples: Partial<Record<ErrorCode, { detail: string; context?: ErrorContext }>> = {
  BODY_NOT_JSON: {
    detail: "The body is not JSON: Unexpected end of JSON input",
    context: { effect: "none" },
  },
  BAD_REQUEST: { detail: "'/p1/model/%' is not a valid url component", context: { effect: "none" } },
  UNAUTHENTICATED: { detail: "The request has no credentials that count.", context: { effect: "none" } },
  FORBIDDEN: { detail: "This needs the scope operate.", context: none },
  CROSS_SITE: {
    detail: "Pages of another origin may not change anything here; CORS_ORIGINS has those that may.",
    context: { effect: "none" },
  },
  KEY_NOT_FOUND: { detail: "There is no key h7k2m9qrtx.", context: { effect: "none" } },
  KEYS_FULL: { detail: "There are 10000 keys, and no more may be.", context: { effect: "none" } },
  RATE_LIMITED: {
    detail: "No more than 100 requests a second are taken of one principal.",
    context: { effect: "none" },
  },
  AUTH_UNAVAILABLE: {
    detail: "NATS cannot be reached, so keys cannot be checked.",
    context: { effect: "none" },
  },
  HOST_NOT_EXPECTED: {
    detail: 'This gateway is not called "evil.example"; GATEWAY_HOSTS has its names.',
    context: { effect: "none" },
  },
  PROCESSOR_NOT_FOUND: { detail: `Processor ${processor} not found`, context: none },
  COMMAND_NOT_FOUND: { detail: `No command ${command} of the last 24 hours.`, context: { processor } },
  DEAD_LETTER_NOT_FOUND: { detail: "No dead letter of sequence 42.", context: none },
  MODEL_NOT_FOUND: { detail: "No model MODEL|0", context: none },
  VECTOR_NOT_FOUND: { detail: "No vector VECTOR|0", context: none },
  INGESTION_NOT_FOUND: { detail: "Ingestion x not found", context: { processor } },
  METHOD_NOT_ALLOWED: {
    detail: `/${processor}/observe has POST, and not GET.`,
    context: { effect: "none" },
  },
  REQUEST_TIMEOUT: { detail: "The request did not come in time.", context: { effect: "none" } },
  HEADERS_TOO_LARGE: { detail: "The head of the request is too long.", context: { effect: "none" } },
  STILL_QUEUED: { detail: "3 commands are not applied yet; ?force=true leaves them.", context: none },
  NOT_HELD: { detail: "Only the instance of a processor that is held can be adopted.", context: none },
  REGISTRY_FULL: { detail: "10000 processors are registered, and no more may be.", context: none },
  PAUSED: { detail: "A paused processor replays nothing; resume it first.", context: none },
  KEY_RUNNING: {
    detail: "The first request with this Idempotency-Key is still running.",
    context: { processor, command, effect: "unknown" },
  },
  TOO_LARGE: { detail: "The request is 5000000 bytes for KATO, the limit is 4194304.", context: none },
  UNSUPPORTED_MEDIA_TYPE: {
    detail: 'The Content-Encoding "zstd" is not one of gzip, br.',
    context: { effect: "none" },
  },
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
  HELD: {
    detail: "Its checkpoint is gone, so nobody knows which commands of its log are applied.",
    context: none,
  },
  RECORDS_FULL: {
    detail: "Of 10000000 requests it is kept what became of them, and no more may be.",
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
  OVERLOADED: {
    detail: "The gateway has as many bodies in hand as its memory allows.",
    context: { effect: "none" },
  },
  GATEWAY_STOPPING: { detail: "The gateway is being stopped.", context: none },
  STORE_FULL: { detail: "NATS has no room for more commands, of any processor.", context: none },
  NATS_UNAVAILABLE: { detail: "NATS cannot be reached.", context: none },
  DEADLINE_PASSED: { detail: "It was not started in time, and will not be.", context: { ...none, command } },
  EFFECT_UNKNOWN: {
    detail:
      "The command may have been started, and its end was not seen. " +
      `What became of it is at GET /${processor}/commands/${command}`,
    context: { processor, command, sequence: 42, effect: "unknown" },
  },
};

/** Examples of the problems with this status, made as the gateway makes problems. */
export function problemExamples(status: number): Record<string, OpenAPIV3_1.ExampleObject> {
  const ofStatus = codes.filter((code) => errorCatalog[code].status === status);
  return Object.fromEntries(
    ofStatus.flatMap((code) => {
      const example = examples[code];
      if (!example) return [];
      const problem = problemOf(new GatewayError(code, example.detail, example.context));
      const value = { ...problem, request_id: exampleUniqueId };
      return [[code.toLowerCase().replaceAll("_", "-"), { summary: errorCatalog[code].title, value }]];
    }),
  );
}
