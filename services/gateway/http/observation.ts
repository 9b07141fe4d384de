import { invalid } from "./invalid.ts";
import type { ObservationBody } from "./schemas.ts";

/** Checks of an observation what its schema cannot say. Throws INVALID_INPUT naming the field. */
export function checkObservation(observation: ObservationBody): void {
  const { strings = [], vectors = [], emotives = {}, metadata = {}, path = [] } = observation;
  const length = vectors[0]?.length;
  vectors.forEach((vector, index) => {
    if (vector.length !== length) {
      invalid(`vectors[${index}]`, `has ${vector.length} numbers where vectors[0] has ${length}`);
    }
  });
  strings.forEach((text, index) => {
    checkText(`strings[${index}]`, text);
  });
  path.forEach((text, index) => {
    checkText(`path[${index}]`, text);
  });
  for (const key of Object.keys(emotives)) checkText("emotives", key);
  for (const [key, value] of Object.entries(metadata)) {
    checkText("metadata", key);
    checkText(`metadata.${key}`, value);
  }
  checkText("unique_id", observation.unique_id ?? "");
  checkText("source", observation.source ?? "");
}

/** Half of a surrogate pair, which JSON can carry as an escape, is no UTF-8, and KATO would not read it. */
function checkText(field: string, text: string): void {
  if (!text.isWellFormed()) invalid(field, "has half of a surrogate pair, which is no text");
}
