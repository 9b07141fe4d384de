import type { Json, JsonObject } from "./json.ts";
import { setOwnProperty } from "./json.ts";

// Between JSON and protobuf's types for it (google/protobuf/struct.proto), in the form in which
// @grpc/proto-loader gives and takes them.

/** google.protobuf.Value: one of its fields is set. */
interface Value {
  nullValue?: "NULL_VALUE" | 0;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: Struct;
  listValue?: ListValue;
}

/** google.protobuf.Struct: a JSON object. */
export interface Struct {
  fields?: Record<string, Value>;
}

/** google.protobuf.ListValue: a JSON array. */
export interface ListValue {
  values?: Value[];
}

/** The JSON of a Value. It is null if no field is set. */
function jsonOfValue(value: Value): Json {
  if (value.structValue) return jsonOfStruct(value.structValue);
  if (value.listValue) return jsonOfList(value.listValue);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}

/** The JSON object of a Struct. Every key becomes an own property, `__proto__` too. */
export function jsonOfStruct(struct: Struct): JsonObject {
  const object: JsonObject = {};
  for (const [key, value] of Object.entries(struct.fields ?? {}))
    setOwnProperty(object, key, jsonOfValue(value));
  return object;
}

/** The JSON array of a ListValue. */
export function jsonOfList(list: ListValue): Json[] {
  return (list.values ?? []).map(jsonOfValue);
}

/** The Value of any JSON. */
function valueOfJson(json: Json): Value {
  if (json === null) return { nullValue: "NULL_VALUE" };
  if (typeof json === "number") return { numberValue: json };
  if (typeof json === "string") return { stringValue: json };
  if (typeof json === "boolean") return { boolValue: json };
  if (Array.isArray(json)) return { listValue: listOfJson(json) };
  return { structValue: structOfJson(json) };
}

/** The Struct of a JSON object's own properties, `__proto__` too if it is one. */
export function structOfJson(object: JsonObject): Struct {
  const fields: Record<string, Value> = {};
  for (const [key, json] of Object.entries(object)) setOwnProperty(fields, key, valueOfJson(json));
  return { fields };
}

/** The ListValue of a JSON array. */
export function listOfJson(array: readonly Json[]): ListValue {
  return { values: array.map(valueOfJson) };
}
