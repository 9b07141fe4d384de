import type { OpenAPIV3_1 } from "openapi-types";

/** The request headers that the gateway reads. */
export const requestHeaders = {
  Prefer: {
    name: "Prefer",
    in: "header",
    description:
      "`wait=5`: how many seconds to wait for the answer, 30 without it; more than 300 counts as 300. " +
      "`respond-async`: not to wait, but to be answered 202 as soon as the command is stored. What cannot " +
      "be read is ignored (RFC 7240).",
    schema: { type: "string" },
    examples: { wait: { value: "wait=5" }, "not to wait": { value: "respond-async" } },
  },
  PreferWait: {
    name: "Prefer",
    in: "header",
    description:
      "`wait=5`: how many seconds to wait for the answer, 30 without it; more than 300 counts as 300. What " +
      "cannot be read is ignored (RFC 7240).",
    schema: { type: "string" },
    example: "wait=5",
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "The same key for the same processor within 24 hours gives the answer of the first request, and " +
      "nothing is applied twice. With another body it is a 422, while the first is still running a 409. " +
      "What had no effect (429, 503, a 504 with `effect: none`) is not stored: the key can be used again.",
    // This and Kato-After have no example, because tools send examples as they are and the value differs each
    // time.
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  IngestionKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "The same key with the same observations for the same processor within 7 days goes on where the " +
      "first request ended, or gives its answer: nothing is stored twice. With other observations it is a " +
      "422, while another sending is taken in a 409.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  KatoAfter: {
    name: "Kato-After",
    in: "header",
    description:
      "A command's sequence: answered no earlier than when that command has been applied. 422 beyond the " +
      "end of the log.",
    schema: { type: "string", pattern: "^\\d{1,15}$" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description:
      "The id of the last event that was received, as an EventSource sends it when it connects again.",
    schema: { type: "string" },
  },
} as const satisfies Record<string, OpenAPIV3_1.ParameterObject>;

export type RequestHeader = keyof typeof requestHeaders;

const texts = {
  "Kato-Sequence": "The command's place in the processor's command log",
  "Kato-Command": "The command's id",
  "Kato-Ingestion": "The ingestion's id",
  "Accept-Encoding": "The values of `Content-Encoding` that are understood",
  Allow: "The methods that the path has",
  Location: "Where to ask what became of it",
  "Preference-Applied": "What of `Prefer` was applied",
  "Idempotency-Replayed": "`true`: this is the answer of an earlier request with this Idempotency-Key",
  RateLimit: 'How much more may wait for this processor: `"depth";r=12`',
  "RateLimit-Policy": 'How much may wait for one processor: `"depth";q=10000000`',
  "WWW-Authenticate": "`Bearer`: how to say who you are",
  "Retry-After": "After how many seconds trying again makes sense",
} as const;

export type ResponseHeader = keyof typeof texts;

/** The headers of answers. Each of them may be missing. */
export const responseHeaders = Object.fromEntries(
  Object.entries(texts).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
) as Record<ResponseHeader, OpenAPIV3_1.HeaderObject>;

/** References to these headers, for an answer. */
export function headerReferences(names: readonly ResponseHeader[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
