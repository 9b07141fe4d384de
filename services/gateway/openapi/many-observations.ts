import { Type } from "typebox";
import { ObservationBody } from "../http/schemas.ts";
import * as schemas from "./answer-schemas.ts";
import type { Operation } from "./operation.ts";
import { command, json } from "./operation.ts";

const ingestion = "x7Qk2mZr5TnV8bYc1WdE0g";
const report = { ingestion, accepted: 2000, first_sequence: 7, last_sequence: 2007, rejected: [] };
const view = {
  ...report,
  processor: "p46b6b076c",
  state: "applying",
  intake: "complete",
  applied: 1200,
  failed: 0,
  unknown: 0,
  rate: 640.5,
  eta_seconds: 2,
  created_at: "2026-11-23T12:30:00.250Z",
};

const asEvents = [
  "retry: 1000",
  "",
  "id: applying.2000.1200.0.0.",
  `data: ${JSON.stringify(view)}`,
  "",
  "",
].join("\n");

/** Routes that take more than one observation. */
export const manyObservations: Record<string, Operation> = {
  "POST /{id}/observations": {
    summary: "Observe any number of events",
    description:
      "A stream of NDJSON, one observation a line, of any length, read no faster than NATS acknowledges; or a list. Lines count from 1; blank " +
      "ones are counted and skipped. A line that is refused is skipped and reported, unless `on_error=stop`. With `Accept: " +
      "application/x-ndjson` the answer is a receipt for each line, in order, as soon as it is stored. With an `Idempotency-Key` the same " +
      "request can be sent again after a broken connection: lines that are stored already are not stored twice. A problem says besides, in " +
      "the fields of the 202, what was stored until then.",
    headers: ["IngestionKey"],
    body: {
      "application/x-ndjson": {
        schema: Type.String(),
        examples: {
          "three lines":
            '{"strings": ["a"]}\n{"strings": ["b"], "emotives": {"joy": 0.5}}\n{"strings": ["c"]}\n',
        },
      },
      "application/json": {
        schema: Type.Object({
          observations: Type.Array(Type.Union([ObservationBody, Type.Object({ data: ObservationBody })])),
        }),
        examples: { two: { observations: [{ strings: ["a"] }, { strings: ["b"] }] } },
      },
    },
    answers: {
      200: {
        description:
          "With `Accept: application/x-ndjson`, a line each: `{line, sequence}`, `{line, error}`, and for a Learn at the end `{learn_sequence}`.",
        headers: ["Location", "Kato-Ingestion", "Idempotency-Replayed"],
        content: {
          "application/x-ndjson": {
            schema: Type.String(),
            example: '{"line":1,"sequence":7}\n{"line":2,"error":"strings: must be array"}\n',
          },
        },
      },
      202: {
        description: "All of it is stored.",
        headers: ["Location", "Kato-Ingestion", "Idempotency-Replayed"],
        content: json(schemas.IngestionReport, report),
      },
    },
    problems: "bulk",
  },
  "POST /{id}/observe-sequence": command({
    summary: "Observe several events as one command",
    description:
      "Nothing comes between them. An item that is wrong is a 422 that names it, and nothing is queued.",
    message: schemas.SequenceResults,
    example: {
      results: [
        { status: "observed", auto_learned_model: "", unique_id: "NB4E2T9Q7JX0W5ZC1R8KAM.0" },
        { status: "observed", auto_learned_model: "", unique_id: "NB4E2T9Q7JX0W5ZC1R8KAM.1" },
      ],
      learned: ["MODEL|d46a83e73f6feaef6974e00323808137c244cc9c"],
      predictions: [],
    },
    body: {
      "two and a Learn": { observations: [{ strings: ["a"] }, { strings: ["b"] }], learn_at_end: true },
    },
  }),
  "GET /{id}/ingestions/{ingestion}": {
    summary: "How a bulk request stands",
    description: "Known for seven days.",
    answers: { 200: { description: "How it stands.", content: json(schemas.Ingestion, view) } },
    problems: [400, 404, 503],
  },
  "GET /{id}/ingestions/{ingestion}/events": {
    summary: "How a bulk request stands, as it changes",
    description:
      "Server-sent events, each with what `GET /{id}/ingestions/{ingestion}` says, until it is done.",
    headers: ["LastEventId"],
    answers: {
      200: {
        description: "An event for every change.",
        content: { "text/event-stream": { schema: Type.String(), example: asEvents } },
      },
      204: { description: "It is done, and `Last-Event-ID` has seen that: do not connect again." },
    },
    problems: [400, 404, 503],
  },
};
