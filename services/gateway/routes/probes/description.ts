import { Type } from "typebox";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";

export const ping: Operation = {
  tag: "The gateway",
  summary: "Ask the gateway whether it is there",
  answers: {
    200: {
      description: "It is.",
      content: json(Type.Object({ status: Type.Literal("okay") }), { status: "okay" }),
    },
  },
  problems: [],
};

export const health: Operation = {
  tag: "The gateway",
  summary: "Whether the gateway is alive",
  description: "It is before it has reached NATS, and knows of no processors then.",
  answers: {
    200: {
      description: "It is alive.",
      content: json(Type.Object({ status: Type.Literal("healthy"), processors: Type.Integer() }), {
        status: "healthy",
        processors: 3,
      }),
    },
  },
  problems: [],
};

export const ready: Operation = {
  tag: "The gateway",
  summary: "Whether the gateway can be used",
  answers: {
    200: {
      description: "NATS takes what is written, and the processors of the settings are registered.",
      content: json(Type.Object({ status: Type.Literal("ready") }), { status: "ready" }),
    },
  },
  problems: [503],
};

export const metrics: Operation = {
  tag: "The gateway",
  summary: "Metrics for Prometheus",
  answers: {
    200: { description: "What is measured.", content: { "text/plain": { schema: Type.String() } } },
  },
  problems: [],
};
