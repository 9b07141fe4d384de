import type { TSchema } from "typebox";
import { Type } from "typebox";
import { EnvelopeFields, Queued } from "./answer-schemas.ts";
import type { RequestHeader, ResponseHeader } from "./headers.ts";
import type { ProblemStatus } from "./problems.ts";

/** What the document says of one route beyond what the schemas of the route say. */
export interface Operation {
  summary: string;
  description?: string;
  /** Request headers, by the names of `requestHeaders`. */
  headers?: readonly RequestHeader[];
  /** What is sent, by its content type: where the route has no schema of it, its schema too. */
  body?: Record<string, { schema?: TSchema; examples: Examples }>;
  answers: Record<number, Answered>;
  /** The statuses of its problems, or that they are those of a bulk request. */
  problems: readonly ProblemStatus[] | "bulk";
}

export interface Answered {
  description: string;
  headers?: readonly ResponseHeader[];
  /** By content type. */
  content?: Record<string, { schema: TSchema; example?: unknown }>;
}

type Examples = Record<string, unknown>;

/** The processor's answer to a command or to a query: its message, and what stands beside it. */
interface Message {
  summary: string;
  description?: string;
  message: TSchema;
  /** The example of the message. */
  example: unknown;
  body?: Examples;
  /** The schema of the body, where the route's own says less. */
  bodySchema?: TSchema;
  problems?: readonly ProblemStatus[];
}

interface CommandMessage extends Message {
  /** Fields beside `message`, in the answer that is waited for and in the 202 alike. */
  beside?: Record<string, TSchema>;
  besideExample?: Record<string, unknown>;
}

const exampleEnvelope = { id: "p46b6b076c", interval: 7, time_stamp: 1795411800.25, status: "okay" };
const exampleCommand = "GTY7Q2ZK1M4S8N3V5B6C9D";

/** An RPC that changes the processor. */
export function command(described: CommandMessage): Operation {
  const { summary, message, example, beside = {}, besideExample = {}, problems = [] } = described;
  return {
    summary,
    ...descriptionOf(described),
    headers: ["Prefer", "IdempotencyKey"],
    ...bodyOf(described),
    answers: {
      200: {
        description: "It was applied.",
        headers: ["Kato-Sequence", "Kato-Command", "Preference-Applied", "Idempotency-Replayed"],
        content: json(Type.Object({ ...EnvelopeFields, message, ...beside }), {
          ...exampleEnvelope,
          message: example,
          ...besideExample,
        }),
      },
      202: accepted(beside, besideExample),
    },
    problems: [400, 404, 409, 413, 422, 429, 501, 502, 503, 504, ...problems],
  };
}

/** An RPC that only reads. */
export function query(described: Message): Operation {
  const { summary, message, example, problems = [] } = described;
  return {
    summary,
    ...descriptionOf(described),
    headers: ["PreferWait", "KatoAfter"],
    ...bodyOf(described),
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

/** The answer to a command that is stored and not waited for. */
export function accepted(
  beside: Record<string, TSchema> = {},
  besideExample: Record<string, unknown> = {},
): Answered {
  const { id, time_stamp, status } = exampleEnvelope;
  const queued = { id, time_stamp, status, command: exampleCommand, sequence: 42, state: "queued" };
  return {
    description: "It is stored, and will be applied. `Location` is where to ask what became of it.",
    headers: ["Kato-Sequence", "Kato-Command", "Location", "Preference-Applied", "Idempotency-Replayed"],
    content: json(Type.Object({ ...Queued.properties, ...beside }), { ...queued, ...besideExample }),
  };
}

/** An answer in JSON. */
export function json(schema: TSchema, example: unknown): NonNullable<Answered["content"]> {
  return { "application/json": { schema, example } };
}

function descriptionOf({ description }: { description?: string }): { description?: string } {
  return description === undefined ? {} : { description };
}

function bodyOf({ body, bodySchema }: Message): Pick<Operation, "body"> {
  if (body === undefined) return {};
  return {
    body: { "application/json": { examples: body, ...(bodySchema && { schema: bodySchema }) } },
  };
}
