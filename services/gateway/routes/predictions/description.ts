import { Type } from "typebox";
import { examplePrediction, exampleUniqueId } from "../../openapi/examples.ts";
import { query } from "../../openapi/operation.ts";
import { Emotives, Events, Prediction, Text } from "../../openapi/schemas.ts";

const Vectors = Type.Array(Type.Array(Type.Number()));
const Metadata = Type.Unsafe<Record<string, string>>({ type: "object", additionalProperties: Text });

export const PerceptData = Type.Object(
  {
    strings: Type.Optional(Type.Array(Text)),
    vectors: Type.Optional(Vectors),
    emotives: Type.Optional(Emotives),
    metadata: Type.Optional(Metadata),
    path: Type.Optional(Type.Array(Text)),
  },
  { description: "The latest observation as it was sent; empty after a clear" },
);

export const CognitionData = Type.Object({
  predictions: Type.Array(Prediction),
  emotives: Emotives,
  symbols: Type.Array(Text),
  command: Text,
  metadata: Metadata,
  path: Type.Array(Text),
  strings: Type.Array(Text),
  vectors: Vectors,
  working_memory: Events,
});

const ofWhichObservation =
  "With the unique_id of the latest observation the same; of an older one, which this KATO cannot look up, " +
  "a 501.";

export const predictions = query({
  summary: "Predictions",
  description: `Empty when there are none. ${ofWhichObservation}`,
  message: Type.Array(Prediction),
  example: [examplePrediction],
});

export const predictionsByPost = query({
  summary: "Predictions, asked for with a body",
  description: `As GET. ${ofWhichObservation}`,
  message: Type.Array(Prediction),
  example: [examplePrediction],
  body: { "of the latest observation": { unique_id: exampleUniqueId }, whatever: {} },
  problems: [413],
});

export const perceptData = query({
  summary: "The latest observation as KATO perceived it",
  message: PerceptData,
  example: { strings: ["b", "a"], vectors: [], emotives: { joy: 0.5 }, metadata: {}, path: [] },
});

export const cognitionData = query({
  summary: "What KATO makes of it",
  description: "As KATO gives it, empty fields included. Its model names have no `MODEL|`.",
  message: CognitionData,
  example: {
    predictions: [],
    emotives: { joy: 0.5 },
    symbols: ["a", "b"],
    command: "",
    metadata: {},
    path: [],
    strings: [],
    vectors: [],
    working_memory: [["a", "b"]],
  },
});
