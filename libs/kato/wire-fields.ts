import { Reader } from "./wire-reader.ts";

/**
 * The two fields of a response that a worker needs. They are read from the bytes, without decoding the rest:
 * a response can be large, and only the gateway needs all of it.
 */
export interface ResponseFields {
  /** Whether `status` is FAILED. */
  failed: boolean;
  interval: number;
}

/**
 * Reads `status` (field 1) and `interval` (field 3), which every response message has. Bytes that are no
 * protobuf message throw a RangeError.
 */
export function readResponseFields(bytes: Uint8Array): ResponseFields {
  const fields = { failed: false, interval: 0 };
  eachField(bytes, (field, value) => {
    if (typeof value !== "number") return;
    if (field === 1) fields.failed = value !== 0;
    else if (field === 3) fields.interval = value | 0;
  });
  return fields;
}

/** What a worker needs to know of an Observation, which it passes on as bytes. */
export interface ObservationFields {
  /** Whether it has strings or vectors, and so adds an event to working memory. */
  hasSymbols: boolean;
  hasVectors: boolean;
  uniqueId: string;
}

/**
 * Reads `strings` (field 1), `vectors` (field 2) and `unique_id` (field 6). Throws as `readResponseFields`
 * does.
 */
export function readObservationFields(bytes: Uint8Array): ObservationFields {
  const fields = { hasSymbols: false, hasVectors: false, uniqueId: "" };
  eachField(bytes, (field, value) => {
    if (typeof value === "number") return;
    if (field === 1 || field === 2) fields.hasSymbols = true;
    if (field === 2) fields.hasVectors = true;
    if (field === 6) fields.uniqueId = Buffer.from(value).toString("utf8");
  });
  return fields;
}

/**
 * Calls `visit` for each field at the top level of a protobuf message. A varint is given as its low 32 bits,
 * any other field as its bytes. Bytes that are no protobuf message throw a RangeError.
 */
export function eachField(
  bytes: Uint8Array,
  visit: (field: number, value: number | Uint8Array) => void,
): void {
  const reader = new Reader(bytes);
  reader.eachField(bytes.length, (field, wireType) => {
    visit(field, wireType === 0 ? reader.varint() : reader.raw(wireType));
  });
}
