import { Type } from "typebox";
import type { Operation } from "../../openapi/operation.ts";
import { accepted, done, json } from "../../openapi/operation.ts";
import { Problem } from "../../openapi/problems.ts";
import { Next, Text, Time, Whole } from "../../openapi/schemas.ts";

export const DeadLetterPage = Type.Object({
  dead_letters: Type.Array(
    Type.Object({
      sequence: Whole,
      command: Text,
      method: Text,
      outcome: Type.Union([Type.Literal("failed"), Type.Literal("unknown")]),
      time: Time,
      problem: Type.Omit(Problem, ["request_id"]),
    }),
  ),
  next: Next,
});

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
