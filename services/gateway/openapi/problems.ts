import type { OpenAPIV3_1 } from "openapi-types";
import { Type } from "typebox";
import type { ResponseHeader } from "./headers.ts";
import { headerReferences } from "./headers.ts";
import { problemExamples } from "./problem-examples.ts";
import { IngestionReport } from "./schemas.ts";

/** The fields of every problem (RFC 9457). */
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
  reason: Type.Optional(Type.String({ description: "Why the instance is away, as /processors says it" })),
  errors: Type.Optional(
    Type.Array(Type.Object({ field: Type.String(), detail: Type.String() }), {
      description: "Which parts of the input are wrong, and why",
    }),
  ),
});

const ofCommand = ["Kato-Sequence", "Kato-Command"] as const;

/** When each status is answered, and with which headers beside `Content-Type`. */
const statuses = {
  400: { when: "The request cannot be read, or its body is not JSON.", headers: [] },
  401: { when: "The request has no credentials that count.", headers: ["WWW-Authenticate"] },
  403: {
    when: "The grants of the principal do not have this, and `detail` names what is lacking.",
    headers: [],
  },
  404: { when: "There is no such processor, or nothing of that name.", headers: ofCommand },
  405: { when: "The path does not have this method; `Allow` has those that it has.", headers: ["Allow"] },
  408: { when: "The request did not come in time.", headers: [] },
  409: { when: "Something else has to end first.", headers: ["Retry-After", ...ofCommand] },
  413: {
    when: "The request is larger than KATO or NATS takes, or has too many values; `detail` says the limit.",
    headers: [],
  },
  415: {
    when: "The body's `Content-Encoding` or charset is not supported.",
    headers: ["Accept-Encoding"],
  },
  421: { when: "The gateway has another name than the request's `Host`.", headers: [] },
  422: { when: "The input is wrong, and `errors` names the field; or KATO refused it.", headers: ofCommand },
  429: {
    when: "Too much waits for this processor, its command log takes no more for now, or a limit is reached.",
    headers: ["Retry-After", "RateLimit", "RateLimit-Policy", ...ofCommand],
  },
  431: { when: "The head of the request is too long.", headers: [] },
  501: { when: "This KATO cannot do that.", headers: ofCommand },
  502: { when: "KATO failed, or its answer is too large.", headers: ofCommand },
  503: {
    when:
      "The instance, its worker or NATS is away, NATS has no room, or the gateway is being stopped or " +
      "overloaded.",
    headers: ["Retry-After", ...ofCommand],
  },
  504: {
    when:
      "There was no answer in the time asked for. With `effect: none` the command was not started and " +
      "never will be; with `unknown` it may have been applied, and `GET /{id}/commands/{command}` tells " +
      "what became of it.",
    headers: ofCommand,
  },
} as const satisfies Record<number, { when: string; headers: readonly ResponseHeader[] }>;

export type ProblemStatus = keyof typeof statuses;

const bulkStatuses = [
  400, 401, 403, 404, 408, 409, 413, 415, 421, 422, 429, 431, 503,
] as const satisfies ProblemStatus[];
const ofIngestion = ["Location", "Kato-Ingestion"] as const;

/** The problem of a bulk request. Once the request was begun, it also says what was stored until then. */
export const BulkProblem = Type.Object({
  ...Problem.properties,
  ...Type.Partial(IngestionReport).properties,
});

/** The answers of failed requests, by the names that references use. */
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
        examples: problemExamples(Number(status)),
      },
    },
  };
}

/** What every request can be answered. */
const always = [400, 403, 408, 421, 422, 431] as const satisfies ProblemStatus[];
/** What every request that has a body can be answered. */
const ofBodies = [413, 415] as const satisfies ProblemStatus[];

/** What every request can be answered that needs a principal. */
const ofPrincipals = [401, 429] as const satisfies ProblemStatus[];

/** References to the problems with these statuses, and to those that every request of its kind can have. */
export function problemReferences(
  { method, needsPrincipal }: { method: string; needsPrincipal: boolean },
  wanted: readonly ProblemStatus[],
) {
  return references("Problem", [
    ...wanted,
    ...always,
    ...(needsPrincipal ? ofPrincipals : []),
    ...(method === "get" ? [] : ofBodies),
  ]);
}

/** References to the problems of a bulk request. */
export function bulkProblemReferences() {
  return references("BulkProblem", bulkStatuses);
}

function references(name: string, wanted: readonly ProblemStatus[]) {
  return Object.fromEntries(
    wanted.map((status) => [status, { $ref: `#/components/responses/${name}${status}` }]),
  );
}
