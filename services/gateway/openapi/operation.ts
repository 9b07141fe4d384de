import type { TSchema } from "typebox";
import { Type } from "typebox";
import { exampleCommand, exampleProcessor, exampleUnixSeconds } from "./examples.ts";
import type { RequestHeader, ResponseHeader } from "./headers.ts";
import type { ProblemStatus } from "./problems.ts";
import { Done, EnvelopeFields, Queued } from "./schemas.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route's description in the OpenAPI document. */
    operation?: Operation;
  }
}

/** The groups of operations, in the document's order. */
export const tags = [
  { name: "One processor", description: "Commands, which change it, and queries, which only read." },
  { name: "Many observations", description: "In one request, or as one command." },
  { name: "Access", description: "Who may do what, and who has done what." },
  { name: "The gateway", description: "Itself, and its processors as operators see them." },
] as const;

/** What the document says of a route beyond the schemas by which the route validates. */
export interface Operation {
  tag: (typeof tags)[number]["name"];
  summary: string;
  description?: string;
  /** Request headers, by the names of `requestHeaders`. */
  headers?: readonly RequestHeader[];
  /** The body by its content type. It has a schema only where the route has none, or one that says less. */
  body?: Record<string, { schema?: TSchema; examples: Examples }>;
  /** The successful answers by their status. */
  answers: Record<number, DescribedAnswer>;
  /** The statuses of problems, or that they are those of a bulk request. */
  problems: readonly ProblemStatus[] | "bulk";
}

export interface DescribedAnswer {
  description: string;
  headers?: readonly ResponseHeader[];
  /** By content type. */
  content?: Record<string, { schema: TSchema; example?: unknown }>;
}

type Examples = Record<string, unknown>;

/** What is particular to one RPC: its answer's message, and the body of its request. */
interface RpcDescription {
  /** Default: "One processor". */
  tag?: Operation["tag"];
  summary: string;
  description?: string;
  message: TSchema;
  /** An example of the message. */
  example: unknown;
  body?: Examples;
  /** The body's schema, where the route's own says less. */
  bodySchema?: TSchema;
  /** Statuses of problems beyond those of every query or command. */
  problems?: readonly ProblemStatus[];
}

/** Fields beside the message, in the 200 and in the 202 alike. */
interface Beside {
  schemas: Record<string, TSchema>;
  examples: Examples;
}

const exampleEnvelope = {
  id: exampleProcessor,
  interval: 7,
  time_stamp: exampleUnixSeconds,
  status: "okay",
};

/** Describes a route that sends a command. */
export function command(rpc: RpcDescription, beside: Beside = { schemas: {}, examples: {} }): Operation {
  const { message, example, problems = [] } = rpc;
  return {
    ...requestOf(rpc),
    headers: ["Prefer", "IdempotencyKey"],
    answers: {
      200: {
        description: "It was applied.",
        headers: ["Kato-Sequence", "Kato-Command", "Preference-Applied", "Idempotency-Replayed"],
        content: json(Type.Object({ ...EnvelopeFields, message, ...beside.schemas }), {
          ...exampleEnvelope,
          message: example,
          ...beside.examples,
        }),
      },
      202: accepted(beside),
    },
    problems: [400, 404, 409, 413, 422, 429, 501, 502, 503, 504, ...problems],
  };
}

/** Describes a route that sends a command without a body and answers KATO's own word. */
export function plainCommand(summary: string, word: string, description?: string): Operation {
  const rpc = { summary, message: Type.String(), example: word };
  return command(description === undefined ? rpc : { ...rpc, description });
}

/** Describes a route that sends a query. */
export function query(rpc: RpcDescription): Operation {
  const { message, example, problems = [] } = rpc;
  return {
    ...requestOf(rpc),
    headers: ["PreferWait", "KatoAfter"],
    answers: {
      200: {
        description: "The answer.",
        headers: ["Preference-Applied"],
        content: json(Type.Object({ ...EnvelopeFields, message }), { ...exampleEnvelope, message: example }),
      },
    },
    problems: [400, 404, 422, 501, 502, 503, 504, ...problems],
  };
}

/** The 202 of a command that is stored and not waited for. */
export function accepted(beside: Beside = { schemas: {}, examples: {} }): DescribedAnswer {
  const { id, time_stamp, status } = exampleEnvelope;
  const queued = { id, time_stamp, status, command: exampleCommand, sequence: 42, state: "queued" };
  return {
    description: "It is stored, and will be applied. `Location` is where to ask what became of it.",
    headers: [
      "Kato-Sequence",
      "Kato-Command",
      "Location",
      "Preference-Applied",
      "Idempotency-Replayed",
      "RateLimit",
      "RateLimit-Policy",
    ],
    content: json(Type.Object({ ...Queued.properties, ...beside.schemas }), {
      ...queued,
      ...beside.examples,
    }),
  };
}

/** The 200 of the gateway itself about a processor. */
export function done(description: string, message: string): DescribedAnswer {
  const { id, time_stamp, status } = exampleEnvelope;
  return { description, content: json(Done(message), { id, time_stamp, status, message }) };
}

/** An answer's content in JSON. */
export function json(schema: TSchema, example: unknown): NonNullable<DescribedAnswer["content"]> {
  return { "application/json": { schema, example } };
}

function requestOf({ tag = "One processor", summary, description, body, bodySchema }: RpcDescription) {
  return {
    tag,
    summary,
    ...(description !== undefined && { description }),
    ...(body && {
      body: { "application/json": { examples: body, ...(bodySchema && { schema: bodySchema }) } },
    }),
  };
}
