import type { Answered, Operation } from "./operation.ts";
import { accepted, json } from "./operation.ts";
import * as schemas from "./operator-schemas.ts";

export const id = "p46b6b076c";
const command = "GTY7Q2ZK1M4S8N3V5B6C9D";
const time = "2026-11-23T12:30:00.250Z";

/** An example of a processor. */
export const processor = {
  id,
  name: "P1",
  endpoint: "kato-p1:1441",
  source: "rest",
  paused: false,
  healthy: true,
  state: "ready",
  since: time,
  worker: "worker-1",
  last: 42,
  applied: 42,
  depth: 0,
  oldest_seconds: 0,
  rate: 0,
  interval: 7,
};

/** What the gateway has done with a processor, or with something of it. */
export const done = (description: string, message: string): Answered => ({
  description,
  content: json(schemas.Done(message), { id, time_stamp: 1795411800.25, status: "okay", message }),
});

const paused = (summary: string, description: string, isPaused: boolean): Operation => ({
  summary,
  description,
  answers: {
    200: {
      description: "The processor.",
      content: json(schemas.Processor, { ...processor, paused: isPaused }),
    },
  },
  problems: [400, 404, 413, 503],
});

/** What operators do with one processor. */
export const operating: Record<string, Operation> = {
  "POST /processors/{id}/pause": paused(
    "Stop applying",
    "Commands are still accepted, and wait in the command log.",
    true,
  ),
  "POST /processors/{id}/resume": paused("Go on applying", "After a pause.", false),
  "POST /processors/{id}/rebuild": {
    summary: "Rebuild a processor by hand",
    description:
      "Without `from` the instance is given its working memory, emotives and settings once more. With it the instance is cleared, models and " +
      "all, and the kept log is applied again from there on. A paused processor replays nothing: a 409.",
    headers: ["PreferWait"],
    body: { "application/json": { examples: { volatile: {}, "the log": { from: 1 } } } },
    answers: {
      200: {
        description: "What is volatile was given back; or, with `dry_run=true`, what would be replayed.",
        content: json(schemas.Rebuilt, {
          id,
          state: "rebuilt",
          from: 40,
          through: 42,
          observes: 3,
          events: 3,
          degraded: "",
        }),
      },
      202: {
        description: "The replay is decided and goes on by itself; `Location` shows how far it is.",
        headers: ["Location"],
        content: json(schemas.Replaying, {
          id,
          state: "rebuilding",
          from: 1,
          through: 42,
          commands: 42,
          observes: 40,
          learns: 2,
        }),
      },
    },
    problems: [400, 404, 409, 413, 422, 503, 504],
  },
  "GET /processors/{id}/log": {
    summary: "The command log",
    description: "What of it is kept: applied commands are trimmed in the end.",
    answers: {
      200: {
        description: "Commands in sequence; `outcome` is null where it is not known any more.",
        content: json(schemas.LogPage, {
          commands: [{ sequence: 42, command, method: "Observe", time, outcome: "applied" }],
        }),
      },
    },
    problems: [400, 404, 422, 503],
  },
  "GET /processors/{id}/dead-letters": {
    summary: "Commands that nobody waited for and that did not succeed",
    answers: {
      200: {
        description: "In the order in which they failed.",
        content: json(schemas.DeadLetters, { dead_letters: [] }),
      },
    },
    problems: [400, 404, 422, 503],
  },
  "POST /processors/{id}/dead-letters/{sequence}/resend": {
    summary: "Send a dead letter again, as a new command",
    answers: { 202: accepted() },
    problems: [400, 404, 413, 422, 429, 503],
  },
  "DELETE /processors/{id}/dead-letters/{sequence}": {
    summary: "Throw a dead letter away",
    answers: { 200: done("It is gone.", "deleted") },
    problems: [400, 404, 413, 422, 503],
  },
};
