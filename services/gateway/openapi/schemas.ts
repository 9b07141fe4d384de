import { Type } from "typebox";
import { oneOf } from "../http/schemas.ts";

// Answers that several subjects have in common. These schemas are for the document alone: no answer is
// serialised by them, so none is changed by them. test/end-to-end/api/openapi.test.ts checks that answers
// match them.

export const Text = Type.String();
export const Whole = Type.Integer();
export const Time = Type.String({ format: "date-time" });
export const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Events = Type.Array(Type.Array(Text), { description: "Events, each a list of symbols" });
export const Emotives = Type.Unsafe<Record<string, number>>({
  type: "object",
  additionalProperties: Type.Number(),
});

/** The fields of every answer of a processor, but for `message`. */
export const EnvelopeFields = {
  id: Type.String({ description: "The processor's id" }),
  interval: Type.Integer({
    description: "How many observations the processor has had; goes on counting over a restart of KATO",
  }),
  time_stamp: Type.Number({ description: "The gateway's clock in Unix seconds" }),
  status: Type.Literal("okay"),
};

/** The answer to a command that is stored and not waited for. */
export const Queued = Type.Object({
  id: Text,
  time_stamp: Type.Number(),
  status: Type.Literal("okay"),
  command: Type.String({ description: "The command's id" }),
  sequence: Type.Integer({ description: "Its place in the command log" }),
  state: Type.Literal("queued"),
});

/** The answer of the gateway itself about a processor. */
export const Done = (message: string) =>
  Type.Object({
    id: Text,
    time_stamp: Type.Number(),
    status: Type.Literal("okay"),
    message: Type.Literal(message),
  });

/** The field of a page that says where the list goes on. */
export const Next = Type.Optional(
  Type.Integer({ description: "`from` of the next page, where there may be one" }),
);

export const ModelName = Type.String({ description: "`MODEL|` and the SHA-1 of the sequence" });

const predictionNumbers = {
  potential: Type.Number(),
  confidence: Type.Number(),
  evidence: Type.Number(),
  fragmentation: Type.Number(),
  hamiltonian: Type.Number(),
  grand_hamiltonian: Type.Number(),
  entropy: Type.Number(),
  itfdf_similarity: Type.Number(),
  confluence: Type.Number(),
  snr: Type.Number(),
  similarity: Type.Number(),
};

export const Prediction = Type.Object({
  name: ModelName,
  type: Text,
  frequency: Type.Integer({ description: "How often the model was learned" }),
  ...predictionNumbers,
  missing: Type.Array(Text, { description: "Symbols of the present that were not observed" }),
  matches: Type.Array(Text, { description: "Symbols that were observed" }),
  extras: Type.Array(Text, { description: "Symbols that were observed and are not the model's" }),
  past: Events,
  present: Events,
  future: Events,
  emotives: Emotives,
});

export const Observed = Type.Object({
  status: Type.Literal("observed"),
  auto_learned_model: Type.String({
    description: "The model that KATO has just learned by itself, else empty",
  }),
});

/** What became of a command. */
export const CommandState = oneOf(["queued", "applied", "failed", "expired", "unknown"]);

const Rejected = Type.Array(Type.Object({ line: Whole, detail: Text }), {
  description: "Lines that were refused, the first hundred of them",
});

/** How much of a bulk request is stored. */
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
