import type { Json, JsonObject } from "./json.ts";
import { isJsonObject, setOwnProperty } from "./json.ts";
import type { ListValue } from "./protobuf-struct.ts";
import { jsonOfList, listOfJson } from "./protobuf-struct.ts";

/** A CognitionObject as @grpc/proto-loader gives it: what GetCognitionData answers. */
export interface WireCognition {
  predictions: WirePrediction[];
  emotives: Record<string, number>;
  symbols: string[];
  command: string;
  metadata: Record<string, string>;
  path: string[];
  strings: string[];
  vectors: ListValue[];
  working_memory: ListValue[];
}

interface WirePrediction {
  name: string;
  type: string;
  frequency: number;
  potential: number;
  confidence: number;
  evidence: number;
  fragmentation: number;
  hamiltonian: number;
  grand_hamiltonian: number;
  entropy: number;
  itfdf_similarity: number;
  confluence: number;
  snr: number;
  similarity: number;
  missing: string[];
  matches: string[];
  extras: string[];
  past: ListValue[];
  present: ListValue[];
  future: ListValue[];
  emotives: Record<string, number>;
}

/**
 * The plain form of a CognitionObject. Its float32 numbers have the fewest digits that still are the same
 * float32.
 */
export function jsonOfCognition(wire: WireCognition): JsonObject {
  return {
    ...wire,
    emotives: withShortestFloats(wire.emotives),
    vectors: wire.vectors.map(jsonOfList),
    working_memory: wire.working_memory.map(jsonOfList),
    predictions: wire.predictions.map(jsonOfPrediction),
  };
}

function jsonOfPrediction(wire: WirePrediction): JsonObject {
  return withShortestFloats({
    ...wire,
    past: wire.past.map(jsonOfList),
    present: wire.present.map(jsonOfList),
    future: wire.future.map(jsonOfList),
    emotives: withShortestFloats(wire.emotives),
  });
}

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

/** A copy whose numbers, float32 on the wire, have the fewest digits: 0.1 and not 0.10000000149011612. */
function withShortestFloats(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    setOwnProperty(copy, key, typeof value === "number" ? shortestFloat32(value) : value);
  }
  return copy;
}

function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
