import { Type } from "typebox";
import type { Operation } from "../../openapi/operation.ts";
import { accepted, done, json } from "../../openapi/operation.ts";
import { Problem } from "../../openapi/problems.ts";
import { Next, orNull, Text, Time, Whole } from "../../openapi/schemas.ts";

export const DeadLetter = Type.Object({
  sequence: Whole,
  command: Text,
  method: Text,
  outcome: Type.Union([Type.Literal("failed"), Type.Literal("unknown")]),
  time: Time,
  problem: Type.Omit(Problem, ["request_id"]),
});

export const DeadLetterPage = Type.Object({ dead_letters: Type.Array(DeadLetter), next: Next });

export const one: Operation = {
  tag: "The gateway",
  summary: "One dead letter, with what it asks for",
  answers: {
    200: {
      description: "`request` is the request of its RPC, null where nobody can read it.",
      content: {
        "application/json": {
          schema: Type.Object({
            ...DeadLetter.properties,
            request: orNull(Type.Unsafe<unknown>({ type: ["object", "array"] })),
          }),
        },
      },
    },
  },
  problems: [400, 404, 422, 503],
};

export const list: Operation = {
  tag: "The gateway",
  summary: "Commands that nobody waited for and that did not succeed",
  answers: {
    200: {
      description: "In the order in which they failed.",
      content: json(DeadLetterPage, { dead_letters: [] }),
    },
  },
  problems: [400, 404, 422, 503],
};

export const resend: Operation = {
  tag: "The gateway",
  summary: "Send a dead letter again, as a new command",
  answers: { 202: accepted() },
  problems: [400, 404, 413, 422, 429, 503],
};

export const remove: Operation = {
  tag: "The gateway",
  summary: "Throw a dead letter away",
  answers: { 200: done("It is gone.", "deleted") },
  problems: [400, 404, 413, 422, 503],
};
