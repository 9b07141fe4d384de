import type { Json, JsonObject } from "./json.ts";
import { isJsonObject } from "./json.ts";
import type { ListValue } from "./protobuf-struct.ts";
import { listOfJson } from "./protobuf-struct.ts";

/**
 * The CognitionObject of a plain form, which may leave fields out. Throws a TypeError for a field of another
 * type.
 */
export function cognitionOfJson(plain: JsonObject): object {
  return {
    ...plain,
    vectors: listValues(plain.vectors),
    working_memory: listValues(plain.working_memory),
    predictions: arrayOf(plain.predictions).map((prediction) => {
      if (!isJsonObject(prediction)) throw new TypeError("a prediction is an object");
      return {
        ...prediction,
        past: listValues(prediction.past),
        present: listValues(prediction.present),
        future: listValues(prediction.future),
      };
    }),
  };
}

function listValues(json: Json | undefined): ListValue[] {
  return arrayOf(json).map((item) => listOfJson(arrayOf(item)));
}

function arrayOf(json: Json = []): Json[] {
  if (!Array.isArray(json)) throw new TypeError("not a list");
  return json;
}
