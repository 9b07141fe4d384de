import type { Static } from "typebox";
import { Type } from "typebox";
import { invalid } from "./problem.ts";
import { Float32, mapOf } from "./schemas.ts";

/**
 * An observation as clients send it. Other fields are refused.
 */
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

/** Checks what the schema cannot express. Throws INVALID_INPUT naming the field. */
export function checkObservation(observation: ObservationBody): void {
  const { strings = [], vectors = [], emotives = {}, metadata = {}, path = [] } = observation;
  const length = vectors[0]?.length;
  vectors.forEach((vector, index) => {
    if (vector.length !== length) {
      invalid(`vectors[${index}]`, `has ${vector.length} numbers where vectors[0] has ${length}`);
    }
  });
  strings.forEach((text, index) => {
    if (!text.isWellFormed()) notText(`strings[${index}]`);
  });
  path.forEach((text, index) => {
    if (!text.isWellFormed()) notText(`path[${index}]`);
  });
  for (const key of Object.keys(emotives)) if (!key.isWellFormed()) notText("emotives");
  for (const [key, value] of Object.entries(metadata)) {
    if (!key.isWellFormed()) notText("metadata");
    if (!value.isWellFormed()) notText(`metadata.${key}`);
  }
  if (observation.unique_id?.isWellFormed() === false) notText("unique_id");
  if (observation.source?.isWellFormed() === false) notText("source");
}

/**
 * JSON can carry half of a surrogate pair as an escape. It cannot be written as UTF-8, so KATO could not read
 * it.
 */
function notText(field: string): never {
  invalid(field, "has half of a surrogate pair, which is no text");
}
