import { Type } from "typebox";
import { ObservationBody } from "../../http/observation.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { IngestionReport } from "../../openapi/schemas.ts";

export const observations: Operation = {
  tag: "Many observations",
  summary: "Observe any number of events",
  description:
    "A stream of NDJSON, one observation a line, of any length, read no faster than NATS acknowledges; or " +
    "a list. Lines count from 1; blank ones are counted and skipped. A line that is refused is skipped and " +
    "reported, unless `on_error=stop`. With `Accept: application/x-ndjson` the answer is a receipt for " +
    "each line, in order, as soon as it is stored. With an `Idempotency-Key` the same request can be sent " +
    "again after a broken connection: lines that are stored already are not stored twice. A problem says " +
    "besides, in the fields of the 202, what was stored until then.",
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
      schema: Type.Object(
        {
          observations: Type.Array(
            Type.Union([
              ObservationBody,
              Type.Object({ data: ObservationBody }, { additionalProperties: false }),
            ]),
          ),
        },
        { additionalProperties: false },
      ),
      examples: { two: { observations: [{ strings: ["a"] }, { strings: ["b"] }] } },
    },
  },
  answers: {
    200: {
      description:
        "With `Accept: application/x-ndjson`, a line each: `{line, sequence}`, `{line, error}`, and for a " +
        "Learn at the end `{learn_sequence}`.",
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
      headers: ["Location", "Kato-Ingestion", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy"],
      content: json(IngestionReport, {
        ingestion: "x7Qk2mZr5TnV8bYc1WdE0g",
        accepted: 2000,
        first_sequence: 7,
        last_sequence: 2007,
        rejected: [],
      }),
    },
  },
  problems: "bulk",
};
