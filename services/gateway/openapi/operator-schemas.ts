import { Type } from "typebox";
import { Outcome, orNull, Text, Time, Whole } from "./answer-schemas.ts";
import { Problem } from "./problems.ts";

// What operators are answered, for the document alone, as in answer-schemas.ts.

/** What the gateway itself answers of a processor. */
export const Done = (message: string) =>
  Type.Object({
    id: Text,
    time_stamp: Type.Number(),
    status: Type.Literal("okay"),
    message: Type.Literal(message),
  });

export const Processor = Type.Object({
  id: Text,
  name: Text,
  endpoint: Text,
  source: Type.String({ description: "What registered it" }),
  paused: Type.Boolean({ description: "Whether somebody has paused it, whatever its state is" }),
  healthy: Type.Boolean(),
  state: Type.Union(
    ["ready", "applying", "rebuilding", "down", "paused", "unowned"].map((state) => Type.Literal(state)),
    { description: "docs/operating.md tells what each means and what to do" },
  ),
  depth: orNull(Type.Integer({ description: "Commands that are not applied yet" })),
  applied: orNull(Type.Integer({ description: "The sequence up to which everything is applied" })),
  since: Type.Optional(Time),
  reason: Type.Optional(Type.String({ description: "Why it is down, or what takes so long" })),
  degraded: Type.Optional(Type.String({ description: "What could not be restored" })),
  worker: Type.Optional(Text),
  last: Type.Optional(Type.Integer({ description: "The last sequence of the command log" })),
  oldest_seconds: orNull(
    Type.Number({ description: "How long the oldest command that is not applied stands in the log" }),
  ),
  rate: Type.Optional(Type.Number({ description: "Commands applied per second, lately" })),
  interval: Type.Optional(Whole),
});

const next = Type.Optional(Type.Integer({ description: "`from` of the next page, where there may be one" }));

export const LogPage = Type.Object({
  commands: Type.Array(
    Type.Object({
      sequence: Whole,
      command: Text,
      method: Text,
      time: Time,
      sender: Type.Optional(
        Type.String({ description: "Who has sent it: the principal, or the address that it came from" }),
      ),
      deadline: Type.Optional(Time),
      outcome: orNull(Outcome),
    }),
  ),
  next,
});

export const DeadLetters = Type.Object({
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
  next,
});

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

const gene = orNull(Type.Number());

export const Genome = Type.Object({
  status: Type.Literal("okay"),
  connection: Type.Literal("okay"),
  genie: Text,
  genome: Type.Object({
    id: Type.Optional(Type.String({ description: "Of the processor, where there is only one" })),
    agent: Text,
    description: Text,
    elements: Type.Object({
      nodes: Type.Array(
        Type.Object({
          data: Type.Object({
            name: Text,
            id: Text,
            classifier: Type.Literal("CVC"),
            search_depth: Type.Literal(10),
            max_predictions: gene,
            recall_threshold: gene,
            persistence: gene,
          }),
        }),
      ),
    }),
  }),
});
