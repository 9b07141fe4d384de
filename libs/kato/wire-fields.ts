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
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("message ends within a field");
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError("varint of more than ten bytes");
  };
  const take = (length: number): Uint8Array => {
    at += length;
    if (at > bytes.length) throw new RangeError("message ends within a field");
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) visit(tag >>> 3, varint());
    else if (wireType === 1) visit(tag >>> 3, take(8));
    else if (wireType === 2) visit(tag >>> 3, take(varint()));
    else if (wireType === 5) visit(tag >>> 3, take(4));
    else throw new RangeError(`wire type ${wireType}`);
  }
}
