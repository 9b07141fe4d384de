import { Type } from "typebox";
import type { DescribedAnswer, Operation } from "../../openapi/operation.ts";
import { done, json } from "../../openapi/operation.ts";
import { exampleProcessorView, Processor } from "./processor-view.ts";

const oneProcessor = (description: string, isPaused = false): DescribedAnswer => ({
  description,
  content: json(Processor, { ...exampleProcessorView, paused: isPaused }),
});

const NextId = Type.Optional(
  Type.String({ description: "Where the list goes on: the `from` of the next page" }),
);

export const ProcessorList = Type.Object({
  processors: Type.Array(Processor),
  next: NextId,
  unregistered: Type.Array(Type.String(), {
    description: "Ids that are not registered, and whose command log NATS still has",
  }),
});

export const list: Operation = {
  tag: "The gateway",
  summary: "All processors",
  answers: {
    200: {
      description: "Each with where it is and how it stands.",
      content: json(ProcessorList, { processors: [exampleProcessorView], unregistered: ["p9"] }),
    },
  },
  problems: [422, 503],
};

export const one: Operation = {
  tag: "The gateway",
  summary: "One processor as operators see it",
  answers: { 200: oneProcessor("Where it is and how it stands.") },
  problems: [400, 404, 503],
};

export const put: Operation = {
  tag: "The gateway",
  summary: "Register a processor, or change it",
  description:
    "It wins over every other source of the same id, and 422 is the answer for an endpoint that is not allowed. " +
    "With a `source` it counts as found by that discovery: 409 if another source has registered the id, unless " +
    "that is the same.",
  body: {
    "application/json": {
      examples: {
        "where it is": { name: "P1", grpc_endpoint: "kato-p1:1441" },
        "what discovery has found": { name: "P1", grpc_endpoint: "172.18.0.2:1441", source: "docker" },
        "behind a TLS proxy": { grpc_endpoint: "kato-p1.example:443", grpc_tls: true },
      },
    },
  },
  answers: { 200: oneProcessor("It was changed."), 201: oneProcessor("It is new.") },
  problems: [400, 409, 413, 422, 503],
};

export const remove: Operation = {
  tag: "The gateway",
  summary: "Remove a processor",
  description:
    "409 while commands are queued, unless `force=true`. Its command log and its checkpoint stay, so that it " +
    "goes on where it was when it is registered again. With `data=true` everything is removed. With a `source` " +
    "404 if that discovery has not registered it.",
  answers: { 200: done("It is removed.", "removed") },
  problems: [400, 404, 409, 413, 422, 503],
};

export const pause: Operation = {
  tag: "The gateway",
  summary: "Stop applying",
  description: "Commands are still accepted, and wait in the command log.",
  answers: { 200: oneProcessor("The processor.", true) },
  problems: [400, 404, 413, 503],
};

export const resume: Operation = {
  tag: "The gateway",
  summary: "Go on applying",
  description: "After a pause.",
  answers: { 200: oneProcessor("The processor.") },
  problems: [400, 404, 413, 503],
};
