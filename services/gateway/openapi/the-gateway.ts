import { Type } from "typebox";
import { done, id, processor } from "./operating.ts";
import type { Answered, Operation } from "./operation.ts";
import { json } from "./operation.ts";
import * as schemas from "./operator-schemas.ts";

const oneProcessor = (description: string): Answered => ({
  description,
  content: json(schemas.Processor, processor),
});

const text = (description: string, type: string): Answered => ({
  description,
  content: { [type]: { schema: Type.String() } },
});

/** The routes of the gateway itself, and of the registry. */
export const theGateway: Record<string, Operation> = {
  "GET /kato-api/ping": {
    summary: "Ask the gateway whether it is there",
    answers: {
      200: {
        description: "It is.",
        content: json(Type.Object({ status: Type.Literal("okay") }), { status: "okay" }),
      },
    },
    problems: [],
  },
  "GET /connect": {
    summary: "The genome: every processor with its genes",
    description:
      "A gene that cannot be asked for is null. `classifier` and `search_depth` are fixed values, the same for every processor.",
    answers: {
      200: {
        description: "The genome.",
        content: json(schemas.Genome, {
          status: "okay",
          connection: "okay",
          genie: "kato-gateway",
          genome: {
            agent: "kato-gateway",
            description: "The processors behind this gateway.",
            elements: {
              nodes: [
                {
                  data: {
                    name: "P1",
                    id,
                    classifier: "CVC",
                    search_depth: 10,
                    max_predictions: 100,
                    recall_threshold: 0.1,
                    persistence: 5,
                  },
                },
              ],
            },
          },
        }),
      },
    },
    problems: [503],
  },
  "GET /health": {
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
  },
  "GET /ready": {
    summary: "Whether the gateway can be used",
    answers: {
      200: {
        description: "NATS is connected and the registry is loaded.",
        content: json(Type.Object({ status: Type.Literal("ready") }), { status: "ready" }),
      },
    },
    problems: [503],
  },
  "GET /processors": {
    summary: "All processors",
    answers: {
      200: {
        description: "Each with where it is and how it stands.",
        content: json(Type.Object({ processors: Type.Array(schemas.Processor) }), {
          processors: [processor],
        }),
      },
    },
    problems: [503],
  },
  "GET /processors/{id}": {
    summary: "One processor as operators see it",
    answers: { 200: oneProcessor("Where it is and how it stands.") },
    problems: [400, 404, 503],
  },
  "PUT /processors/{id}": {
    summary: "Register a processor, or change it",
    description: "It wins over every other source of the same id. 422 for an endpoint that is not allowed.",
    body: {
      "application/json": {
        examples: { "where it is": { name: "P1", grpc_endpoint: "kato-p1:1441" } },
      },
    },
    answers: { 200: oneProcessor("It was changed."), 201: oneProcessor("It is new.") },
    problems: [400, 413, 422, 503],
  },
  "DELETE /processors/{id}": {
    summary: "Remove a processor",
    description: "409 while commands are queued, unless `force=true`.",
    answers: { 200: done("It is removed.", "removed") },
    problems: [400, 404, 409, 413, 422, 503],
  },
  "GET /metrics": {
    summary: "Metrics for Prometheus",
    answers: { 200: text("What is measured.", "text/plain") },
    problems: [],
  },
  "GET /openapi.json": {
    summary: "This description of the API",
    answers: {
      200: {
        description: "An OpenAPI 3.1 document.",
        content: { "application/json": { schema: Type.Object({ openapi: Type.String() }) } },
      },
    },
    problems: [],
  },
  "GET /docs": {
    summary: "This description of the API, for people",
    answers: { 200: text("A page.", "text/html") },
    problems: [],
  },
};
