import { Type } from "typebox";
import { exampleProcessor, exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { Next } from "../../openapi/schemas.ts";
import { Ingestion } from "./ingestion-view.ts";

const exampleView = {
  ingestion: "x7Qk2mZr5TnV8bYc1WdE0g",
  accepted: 2000,
  first_sequence: 7,
  last_sequence: 2007,
  rejected: [],
  processor: exampleProcessor,
  state: "applying",
  intake: "complete",
  applied: 1200,
  failed: 0,
  unknown: 0,
  lost: 0,
  queued: 800,
  rate: 640.5,
  eta_seconds: 2,
  created_at: exampleTime,
};

const exampleEvents = [
  "retry: 1000",
  "",
  "id: applying.2000.1200.0.0.",
  `data: ${JSON.stringify(exampleView)}`,
  "",
  "",
].join("\n");

export const ingestion: Operation = {
  tag: "Many observations",
  summary: "How a bulk request stands",
  description: "Known for seven days.",
  answers: { 200: { description: "How it stands.", content: json(Ingestion, exampleView) } },
  problems: [400, 404, 503],
};

export const IngestionPage = Type.Object({ ingestions: Type.Array(Ingestion), next: Next });

export const list: Operation = {
  tag: "Many observations",
  summary: "The bulk requests of which something is not applied yet",
  description:
    "In the order of the log, from the sequence `from` on; without `operate` only one's own. One that lies between " +
    "the commands of another is listed once it is being applied. One request looks at a hundred commands that wait, " +
    "each of which leads past its whole bulk request. `next` is where to go on, also where a page is empty.",
  answers: {
    200: {
      description: "A page of them.",
      content: json(IngestionPage, { ingestions: [exampleView] }),
    },
  },
  problems: [400, 404, 503],
};

export const events: Operation = {
  tag: "Many observations",
  summary: "How a bulk request stands, as it changes",
  description:
    "Server-sent events, each with what `GET /{id}/ingestions/{ingestion}` says, until it is done.",
  headers: ["LastEventId"],
  answers: {
    200: {
      description: "An event for every change.",
      content: { "text/event-stream": { schema: Type.String(), example: exampleEvents } },
    },
    204: { description: "It is done, and `Last-Event-ID` has seen that: do not connect again." },
  },
  problems: [400, 404, 503],
};
