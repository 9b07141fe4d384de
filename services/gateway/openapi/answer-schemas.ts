import { Type } from "typebox";

// What answers look like, for the document alone: no answer is serialised by these, so none is changed by them. That they are
// true a test shows (test/end-to-end/openapi.test.ts).

export const Text = Type.String();
export const Whole = Type.Integer();
/** Either that or null. */
export const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Time = Type.String({ format: "date-time" });
const Events = Type.Array(Type.Array(Text), { description: "Events, each a list of symbols" });
const Emotives = Type.Unsafe<Record<string, number>>({
  type: "object",
  additionalProperties: Type.Number(),
});

/** What every answer of a processor says beside its message. */
export const EnvelopeFields = {
  id: Type.String({ description: "The processor's id" }),
  interval: Type.Integer({
    description: "How many observations the processor has had; goes on counting over a restart of KATO",
  }),
  time_stamp: Type.Number({ description: "The gateway's clock in Unix seconds" }),
  status: Type.Literal("okay"),
};

export const Queued = Type.Object({
  id: Text,
  time_stamp: Type.Number(),
  status: Type.Literal("okay"),
  command: Type.String({ description: "The command's id" }),
  sequence: Type.Integer({ description: "Its place in the command log" }),
  state: Type.Literal("queued"),
});

export const ModelName = Type.String({ description: "`MODEL|` and the SHA-1 of the sequence" });

const predictionNumbers = [
  "potential",
  "confidence",
  "evidence",
  "fragmentation",
  "hamiltonian",
  "grand_hamiltonian",
  "entropy",
  "itfdf_similarity",
  "confluence",
  "snr",
  "similarity",
] as const;

export const Prediction = Type.Object({
  name: ModelName,
  type: Text,
  frequency: Type.Integer({ description: "How often the model was learned" }),
  ...Object.fromEntries(predictionNumbers.map((name) => [name, Type.Number()])),
  missing: Type.Array(Text, { description: "Symbols of the present that were not observed" }),
  matches: Type.Array(Text, { description: "Symbols that were observed" }),
  extras: Type.Array(Text, { description: "Symbols that were observed and are not the model's" }),
  past: Events,
  present: Events,
  future: Events,
  emotives: Emotives,
});

export const Model = Type.Object({
  name: ModelName,
  frequency: Type.Integer({ description: "How often it was learned" }),
  length: Type.Integer({ description: "How many symbols it has" }),
  sequence: Events,
  emotives: Type.Union([Type.Array(Emotives), Emotives]),
});

export const WorkingMemory = Events;

export const Status = Type.Object(
  {
    name: Text,
    time: Whole,
    num_observe_call: Whole,
    size_WM: Type.Integer({ description: "Symbols in working memory" }),
    SLEEPING: Type.Boolean(),
    PREDICT: Type.Boolean(),
    AUTOLEARN: Type.Boolean(),
    emotives: Emotives,
    target: orNull(Text),
    vectors_kb: Text,
    models_kb: Text,
    last_command: Text,
    last_learned_model_name: Text,
  },
  { description: "As KATO gives it, `time` and `num_observe_call` going on over a restart" },
);

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

const Failure = Type.Object({ status: Type.Literal("failed"), detail: Text, unique_id: Type.Optional(Text) });

export const Observed = Type.Object({
  status: Type.Literal("observed"),
  auto_learned_model: Type.String({
    description: "The model that KATO has just learned by itself, else empty",
  }),
});

export const SequenceResults = Type.Object({
  results: Type.Array(Type.Union([Type.Object({ ...Observed.properties, unique_id: Text }), Failure]), {
    description: "Of each observation; what KATO failed at shows in its place",
  }),
  learned: Type.Array(Type.Union([ModelName, Failure]), {
    description: "What each Learn has learned, empty for nothing",
  }),
  predictions: Type.Union([Type.Array(Prediction), Failure], { description: "At the end" }),
});

const Rejected = Type.Array(Type.Object({ line: Whole, detail: Text }), {
  description: "Lines that were refused, the first hundred of them",
});

export const IngestionReport = Type.Object({
  ingestion: Text,
  accepted: Type.Integer({ description: "Observations that are stored" }),
  first_sequence: orNull(Whole),
  last_sequence: orNull(Whole),
  learn_sequence: Type.Optional(Type.Integer({ description: "Of the Learn at the end" })),
  rejected: Rejected,
  rejected_count: Type.Optional(
    Type.Integer({ description: "How many, where `rejected` does not name them all" }),
  ),
});

export const Ingestion = Type.Object({
  ...IngestionReport.properties,
  processor: Text,
  state: Type.Union(["accepting", "queued", "applying", "done"].map((state) => Type.Literal(state))),
  intake: Type.Union(
    ["accepting", "complete", "stopped", "interrupted"].map((state) => Type.Literal(state)),
    { description: "How the request ended: whether all of it is stored" },
  ),
  applied: Whole,
  failed: Whole,
  unknown: Type.Integer({ description: "Begun, and nobody can say what became of them" }),
  rate: Type.Number({ description: "Commands of the processor applied per second, lately" }),
  eta_seconds: orNull(Type.Integer({ description: "Until the last of it is applied, at that rate" })),
  learn: Type.Optional(Type.String({ description: "What became of the Learn" })),
  created_at: Time,
});

export const Outcome = Type.Union(
  ["queued", "applied", "failed", "expired", "unknown"].map((state) => Type.Literal(state)),
);

export const Command = Type.Object({
  id: Text,
  time_stamp: Type.Number(),
  status: Type.Literal("okay"),
  command: Text,
  method: Type.String({ description: "The RPC" }),
  state: Outcome,
  sequence: Type.Optional(Whole),
  interval: Type.Optional(Whole),
  response: Type.Optional(
    Type.Unknown({ description: "What the route would have answered: its message, or its problem" }),
  ),
});
