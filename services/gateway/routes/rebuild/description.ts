import { Type } from "typebox";
import { exampleProcessor } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { Text, Whole } from "../../openapi/schemas.ts";

const Replay = {
  from: Type.Integer({ description: "The first sequence, 0 where there is nothing to replay" }),
  through: Type.Integer({ description: "The last sequence" }),
};

const Counts = { commands: Whole, observes: Whole, learns: Whole };

export const Rebuilt = Type.Union([
  Type.Object({
    id: Text,
    state: Type.Literal("rebuilt"),
    ...Replay,
    observes: Whole,
    events: Type.Integer({ description: "Of working memory" }),
    degraded: Type.String({ description: "What could not be restored, else empty" }),
  }),
  Type.Object({ id: Text, dry_run: Type.Literal(true), ...Replay, ...Counts }),
]);

export const Replaying = Type.Object({ id: Text, state: Type.Literal("rebuilding"), ...Replay, ...Counts });

export const adopt: Operation = {
  tag: "The gateway",
  summary: "Adopt the instance of a processor that is held",
  description:
    "A processor is held when nobody can prove what its instance has. This says that the instance is right: " +
    "it counts as having everything up to `applied`, and the commands behind that are applied. To clear the " +
    "instance and apply the log again, rebuild the processor with `from`.",
  headers: ["PreferWait"],
  body: { "application/json": { examples: { "everything in the log": {}, "up to here": { applied: 40 } } } },
  answers: {
    200: {
      description: "The instance is adopted as it is.",
      content: json(Type.Object({ id: Text, state: Type.Literal("adopted"), applied: Whole }), {
        id: exampleProcessor,
        state: "adopted",
        applied: 40,
      }),
    },
  },
  problems: [400, 404, 409, 413, 422, 503, 504],
};

export const rebuild: Operation = {
  tag: "The gateway",
  summary: "Rebuild a processor by hand",
  description:
    "Without `from` the instance is given its working memory, emotives and settings once more. With it the " +
    "instance is cleared, models and all, and the kept log is applied again from there on. A paused " +
    "processor replays nothing: a 409. One that is held needs `from`.",
  headers: ["PreferWait"],
  body: { "application/json": { examples: { volatile: {}, "the log": { from: 1 } } } },
  answers: {
    200: {
      description: "What is volatile was given back; or, with `dry_run=true`, what would be replayed.",
      content: json(Rebuilt, {
        id: exampleProcessor,
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
      content: json(Replaying, {
        id: exampleProcessor,
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
};
