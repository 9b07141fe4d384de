import { Type } from "typebox";
import { Float32 } from "../../http/schemas.ts";
import { command, query } from "../../openapi/operation.ts";

/** What check-genes.ts checks. A gene that is not among these is refused. */
const genes = {
  recall_threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  max_sequence_length: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  persistence: Type.Optional(Float32),
  smoothness: Type.Optional(Float32),
  always_update_frequencies: Type.Optional(Type.Union([Type.Boolean(), Float32])),
};
export const Genes = Type.Object(genes, { minProperties: 1, propertyNames: { enum: Object.keys(genes) } });

export const read = query({
  summary: "A gene",
  message: Type.Unknown({ description: "Its value, null when KATO has no such gene" }),
  example: 0.1,
});

export const change = command({
  summary: "Set genes",
  description:
    "Only genes that can be set safely. A recall_threshold set here is what the gene says, and not yet " +
    "what is searched with; for that there is `POST /{id}/gene/increment-recall-threshold`.",
  message: Type.Union([Type.Literal("updated-genes"), Type.Literal("genes-updated")], {
    description: "`updated-genes` to genes under `data`, `genes-updated` to others",
  }),
  example: "updated-genes",
  body: {
    "under data": { data: { persistence: 7, max_sequence_length: 10 } },
    plain: { always_update_frequencies: true },
  },
  bodySchema: Type.Union([Type.Object({ data: Genes }, { additionalProperties: false }), Genes]),
});

export const incrementRecallThreshold = command({
  summary: "Change the recall threshold",
  description:
    "The new one is really searched with. KATO rounds it to one decimal, so small steps vanish: the answer " +
    "is what it now is. 422 when it would leave (0, 1].",
  message: Type.Number({ description: "The new threshold" }),
  example: 0.2,
  body: { "a step up": { increment: 0.1 } },
});
