import type { Json, JsonObject } from "./json.ts";
import { setOwnProperty } from "./json.ts";
import type { KatoResponse } from "./messages.ts";
import { Reader } from "./wire-reader.ts";

// Responses, read as proto/kato_proc.proto describes them. A field that is missing has the value that proto3
// gives it.

type Kind = "text" | "int" | "float" | "texts" | "lists" | "texts by name" | "floats by name" | "predictions";

/** Fields by their numbers. */
type Fields = Readonly<Record<number, readonly [name: string, kind: Kind]>>;

const prediction: Fields = {
  1: ["name", "text"],
  2: ["type", "text"],
  3: ["frequency", "int"],
  4: ["potential", "float"],
  5: ["confidence", "float"],
  6: ["evidence", "float"],
  7: ["fragmentation", "float"],
  8: ["hamiltonian", "float"],
  9: ["grand_hamiltonian", "float"],
  10: ["entropy", "float"],
  11: ["itfdf_similarity", "float"],
  12: ["confluence", "float"],
  13: ["snr", "float"],
  14: ["similarity", "float"],
  16: ["missing", "texts"],
  17: ["matches", "texts"],
  18: ["extras", "texts"],
  19: ["past", "lists"],
  20: ["present", "lists"],
  21: ["future", "lists"],
  22: ["emotives", "floats by name"],
};

const cognition: Fields = {
  1: ["predictions", "predictions"],
  2: ["emotives", "floats by name"],
  3: ["symbols", "texts"],
  4: ["command", "text"],
  5: ["metadata", "texts by name"],
  6: ["path", "texts"],
  7: ["strings", "texts"],
  8: ["vectors", "lists"],
  9: ["working_memory", "lists"],
};

/**
 * The plain form of a response. `form` is what stands in its field 6. A float32 in a CognitionObject has the
 * fewest digits that still are the same float32. Bytes that are no message throw a RangeError.
 */
export function readResponse(bytes: Uint8Array, form: "struct" | "cognition" | "unique_id"): KatoResponse {
  const reader = new Reader(bytes);
  const response: KatoResponse = {
    status: "OKAY",
    id: "",
    interval: 0,
    time_stamp: 0,
    ...(form === "unique_id" && { message: "", unique_id: "" }),
  };
  reader.eachField(bytes.length, (field, wireType) => {
    if (field === 1 && wireType === 0) response.status = reader.varint() === 0 ? "OKAY" : "FAILED";
    else if (field === 2 && wireType === 2) response.id = reader.text();
    else if (field === 3 && wireType === 0) response.interval = reader.varint() | 0;
    else if (field === 4 && wireType === 5) response.time_stamp = reader.float();
    else if (field === 5 && wireType === 2) {
      delete response.response;
      response.message = reader.text();
    } else if (field === 6 && wireType === 2) {
      if (form === "unique_id") response.unique_id = reader.text();
      else {
        // They are one field: the later one counts.
        delete response.message;
        response.response = form === "struct" ? reader.struct() : message(reader, cognition);
      }
    } else reader.skip(wireType);
  });
  return response;
}

function message(reader: Reader, fields: Fields): JsonObject {
  const read: JsonObject = {};
  for (const [name, kind] of Object.values(fields)) read[name] = missing(kind);
  reader.eachField(reader.varint(), (field, wireType) => {
    const [name, kind] = fields[field] ?? [];
    if (name === undefined || kind === undefined || wireType !== wireTypeOf(kind)) reader.skip(wireType);
    else read[name] = withNext(reader, kind, read[name] ?? null);
  });
  return read;
}

function missing(kind: Kind): Json {
  if (kind === "text") return "";
  if (kind === "int" || kind === "float") return 0;
  return kind === "texts by name" || kind === "floats by name" ? {} : [];
}

function wireTypeOf(kind: Kind): number {
  if (kind === "int") return 0;
  return kind === "float" ? 5 : 2;
}

/** The value of a field once its next occurrence is read. Of a list that is one item more. */
function withNext(reader: Reader, kind: Kind, before: Json): Json {
  if (kind === "text") return reader.text();
  if (kind === "int") return reader.varint() | 0;
  if (kind === "float") return shortestFloat32(reader.float());
  if (Array.isArray(before)) {
    if (kind === "texts") before.push(reader.text());
    else before.push(kind === "lists" ? reader.list() : message(reader, prediction));
  } else if (typeof before === "object" && before !== null) {
    readEntry(reader, kind === "floats by name", before);
  }
  return before;
}

/** Reads an entry of a map. */
function readEntry(reader: Reader, isFloat: boolean, map: JsonObject): void {
  let key = "";
  let value: Json = isFloat ? 0 : "";
  reader.eachField(reader.varint(), (field, wireType) => {
    if (field === 1 && wireType === 2) key = reader.text();
    else if (field === 2 && isFloat && wireType === 5) value = shortestFloat32(reader.float());
    else if (field === 2 && !isFloat && wireType === 2) value = reader.text();
    else reader.skip(wireType);
  });
  setOwnProperty(map, key, value);
}

/** 0.1 and not 0.10000000149011612. */
function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
