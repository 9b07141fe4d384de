import type { Json, JsonObject } from "./json.ts";
import { setOwn } from "./json.ts";

/** google.protobuf.Value, Struct and ListValue as @grpc/proto-loader gives and takes them. */
export interface Value {
  nullValue?: "NULL_VALUE" | 0;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: Struct;
  listValue?: ListValue;
}
export interface Struct {
  fields?: Record<string, Value>;
}
export interface ListValue {
  values?: Value[];
}

/** The JSON of a Value; one with no kind set reads as null. */
function jsonOfValue(value: Value): Json {
  if (value.structValue) return jsonOfStruct(value.structValue);
  if (value.listValue) return jsonOfList(value.listValue);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}

/** The JSON object of a Struct, own properties only, `__proto__` among them if it is a key. */
export function jsonOfStruct(struct: Struct): JsonObject {
  const object: JsonObject = {};
  for (const [key, value] of Object.entries(struct.fields ?? {})) setOwn(object, key, jsonOfValue(value));
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

/** The Struct of a JSON object's own properties. */
export function structOfJson(object: JsonObject): Struct {
  const fields: Record<string, Value> = {};
  for (const [key, json] of Object.entries(object)) setOwn(fields, key, valueOfJson(json));
  return { fields };
}

/** The ListValue of a JSON array. */
export function listOfJson(array: readonly Json[]): ListValue {
  return { values: array.map(valueOfJson) };
}
