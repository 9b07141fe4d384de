import type { Static } from "typebox";
import { Type } from "typebox";

/** The largest number that is finite as a float32. */
export const maxFloat32 = 3.4028234663852886e38;

/** A number that is finite as a float32, which the wire has. JSON's 1e400 reads as infinity and is refused too. */
export const Float32 = Type.Number({ minimum: -maxFloat32, maximum: maxFloat32 });

/** An object of any keys. Not Type.Record, whose pattern passes over keys with a line break. */
function mapOf<T extends Type.TSchema>(value: T, description?: string) {
  return Type.Unsafe<Record<string, Static<T>>>({
    type: "object",
    additionalProperties: value,
    ...(description !== undefined && { description }),
  });
}

const ProcessorId = Type.String({ description: "The processor's id", examples: ["p46b6b076c"] });

export const ProcessorParams = Type.Object({ id: ProcessorId });

export const CommandParams = Type.Object({
  id: ProcessorId,
  command: Type.String({ description: "The command's id, as `Kato-Command` and `Location` told it" }),
});

export const IngestionParams = Type.Object({
  id: ProcessorId,
  ingestion: Type.String({ description: "The ingestion's id, as the answer to its request told it" }),
});

/** A part of a path or of a query that is a sequence. */
const SequenceText = Type.String({ pattern: "^\\d{1,15}$", description: "A place in the command log" });

export const SequenceParams = Type.Object({ id: ProcessorId, sequence: SequenceText });

export const PageQuery = Type.Object({
  from: Type.Optional(SequenceText),
  limit: Type.Optional(
    Type.String({
      pattern: "^\\d{1,4}$",
      description: "How many at most: 100 without it, never more than 1000",
    }),
  ),
});

export const ProcessorBody = Type.Object({
  name: Type.Optional(
    Type.String({
      description:
        "What people call it, 1 to 128 printable characters; without it the one it has, else its id",
    }),
  ),
  grpc_endpoint: Type.String({ description: "`host:port` of its instance's gRPC server" }),
});

export const ForceQuery = Type.Object({
  force: Type.Optional(
    Type.Union([Type.Literal("true"), Type.Literal("false")], {
      description: "`true` removes it although commands are still queued",
    }),
  ),
});

export const DryRunQuery = Type.Object({
  dry_run: Type.Optional(
    Type.Union([Type.Literal("true"), Type.Literal("false")], {
      description: "`true` only tells what would be replayed",
    }),
  ),
});

export const RebuildBody = Type.Object({
  from: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Clear the instance and apply the kept log again from this sequence on",
    }),
  ),
});

export const NameParams = Type.Object({
  id: ProcessorId,
  name: Type.String({
    description: "Its name, `|` written as `%7C`; the prefix `MODEL|` or `VECTOR|` may be left out",
    examples: ["MODEL|d46a83e73f6feaef6974e00323808137c244cc9c"],
  }),
});

export const GeneParams = Type.Object({
  id: ProcessorId,
  gene: Type.String({ description: "The gene's name", examples: ["recall_threshold"] }),
});

/** Whatever else a client sends with an observation is left out, so that nothing it names by chance reaches KATO. */
export const ObservationBody = Type.Object(
  {
    strings: Type.Optional(Type.Array(Type.String(), { description: "The symbols of one event" })),
    vectors: Type.Optional(
      Type.Array(Type.Array(Type.Number(), { minItems: 1 }), {
        description: "Vectors of the same event, all of one length",
      }),
    ),
    emotives: Type.Optional(mapOf(Float32, "Values by name, finite as a float32")),
    metadata: Type.Optional(mapOf(Type.String(), "Texts by name")),
    unique_id: Type.Optional(
      Type.String({ description: "The observation's id; made by the gateway when missing" }),
    ),
    source: Type.Optional(Type.String({ description: "Where it comes from" })),
    path: Type.Optional(Type.Array(Type.String(), { description: "The way it came" })),
  },
  { additionalProperties: false },
);
export type ObservationBody = Static<typeof ObservationBody>;

/** `{"data": {gene: value}}` or `{gene: value}`; which genes and values, genes.ts says. */
export const GenesBody = mapOf(Type.Unknown());

export const IncrementBody = Type.Object({
  increment: Type.Optional(
    Type.Number({ minimum: -1, maximum: 1, description: "What is added to it; 0.01 without it" }),
  ),
});

const LatestUniqueId = Type.Optional(Type.String({ description: "The unique_id of the latest observation" }));

export const PredictionsBody = Type.Object({ unique_id: LatestUniqueId });

export const PredictionsQuery = Type.Object({ unique_id: LatestUniqueId });

export const ModelBody = Type.Object({
  frequency: Type.Integer({
    minimum: 0,
    maximum: 2 ** 31 - 1,
    description: "How often it counts as learned",
  }),
  emotives: Type.Optional(Type.Array(mapOf(Float32), { description: "The emotives of each time" })),
});

export const TargetClassBody = Type.Object({ target_class: Type.String({ description: "A symbol" }) });

/** Several observations as one command. */
export const SequenceBody = Type.Object({
  observations: Type.Array(ObservationBody, { minItems: 1, description: "In their order" }),
  learn_after_each: Type.Optional(Type.Boolean({ description: "A Learn after each of them" })),
  learn_at_end: Type.Optional(Type.Boolean({ description: "A Learn after the last" })),
  clear_working_memory_between: Type.Optional(
    Type.Boolean({ description: "A ClearWorkingMemory between two of them" }),
  ),
});

export const BulkQuery = Type.Object({
  learn: Type.Optional(Type.Literal("end", { description: "`end` adds a Learn after the last observation" })),
  on_error: Type.Optional(
    Type.Union([Type.Literal("stop"), Type.Literal("skip")], {
      description: "What a line that is refused does; without it, it is skipped and reported",
    }),
  ),
});
