import type { Static } from "typebox";
import { Type } from "typebox";

/** The largest number that is finite as a float32. */
export const maxFloat32 = 3.4028234663852886e38;

/** A number that is finite as a float32, which the wire has. JSON's 1e400 reads as infinity and is refused too. */
export const Float32 = Type.Number({ minimum: -maxFloat32, maximum: maxFloat32 });

/** An object of any keys. Not Type.Record, whose pattern passes over keys with a line break. */
function mapOf<T extends Type.TSchema>(value: T) {
  return Type.Unsafe<Record<string, Static<T>>>({ type: "object", additionalProperties: value });
}

export const ProcessorParams = Type.Object({ id: Type.String() });

export const CommandParams = Type.Object({ id: Type.String(), command: Type.String() });

/** A part of a path or of a query that is a sequence. */
const SequenceText = Type.String({ pattern: "^\\d{1,15}$" });

export const SequenceParams = Type.Object({ id: Type.String(), sequence: SequenceText });

export const PageQuery = Type.Object({
  from: Type.Optional(SequenceText),
  limit: Type.Optional(Type.String({ pattern: "^\\d{1,4}$" })),
});

export const ProcessorBody = Type.Object({
  name: Type.Optional(Type.String()),
  grpc_endpoint: Type.String(),
});

export const ForceQuery = Type.Object({
  force: Type.Optional(Type.Union([Type.Literal("true"), Type.Literal("false")])),
});

export const DryRunQuery = Type.Object({
  dry_run: Type.Optional(Type.Union([Type.Literal("true"), Type.Literal("false")])),
});

export const RebuildBody = Type.Object({
  from: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
});

export const NameParams = Type.Object({ id: Type.String(), name: Type.String() });

export const GeneParams = Type.Object({ id: Type.String(), gene: Type.String() });

/** Whatever else a client sends with an observation is left out, so that nothing it names by chance reaches KATO. */
export const ObservationBody = Type.Object(
  {
    strings: Type.Optional(Type.Array(Type.String())),
    vectors: Type.Optional(Type.Array(Type.Array(Type.Number(), { minItems: 1 }))),
    emotives: Type.Optional(mapOf(Float32)),
    metadata: Type.Optional(mapOf(Type.String())),
    unique_id: Type.Optional(Type.String()),
    source: Type.Optional(Type.String()),
    path: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
);
export type ObservationBody = Static<typeof ObservationBody>;

/** `{"data": {gene: value}}` or `{gene: value}`; which genes and values, genes.ts says. */
export const GenesBody = mapOf(Type.Unknown());

export const IncrementBody = Type.Object({
  increment: Type.Optional(Type.Number({ minimum: -1, maximum: 1 })),
});

export const PredictionsBody = Type.Object({ unique_id: Type.Optional(Type.String()) });

export const PredictionsQuery = Type.Object({ unique_id: Type.Optional(Type.String()) });

export const ModelBody = Type.Object({
  frequency: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  emotives: Type.Optional(Type.Array(mapOf(Float32))),
});

export const TargetClassBody = Type.Object({ target_class: Type.String() });
