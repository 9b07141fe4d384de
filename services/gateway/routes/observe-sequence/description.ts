import { Type } from "typebox";
import { exampleModel, exampleUniqueId } from "../../openapi/examples.ts";
import { command } from "../../openapi/operation.ts";
import { ModelName, Observed, Prediction, Text } from "../../openapi/schemas.ts";

const Failure = Type.Object({ status: Type.Literal("failed"), detail: Text, unique_id: Type.Optional(Text) });

export const SequenceResults = Type.Object({
  results: Type.Array(Type.Union([Type.Object({ ...Observed.properties, unique_id: Text }), Failure]), {
    description: "Of each observation; what KATO failed at shows in its place",
  }),
  learned: Type.Array(Type.Union([ModelName, Failure]), {
    description: "What each Learn has learned, empty for nothing",
  }),
  predictions: Type.Union([Type.Array(Prediction), Failure], { description: "At the end" }),
});

export const observeSequence = command({
  tag: "Many observations",
  summary: "Observe several events as one command",
  description:
    "Nothing comes between them. An item that is wrong is a 422 that names it, and nothing is queued.",
  message: SequenceResults,
  example: {
    results: [
      { status: "observed", auto_learned_model: "", unique_id: `${exampleUniqueId}.0` },
      { status: "observed", auto_learned_model: "", unique_id: `${exampleUniqueId}.1` },
    ],
    learned: [exampleModel],
    predictions: [],
  },
  body: {
    "two and a Learn": { observations: [{ strings: ["a"] }, { strings: ["b"] }], learn_at_end: true },
  },
});
