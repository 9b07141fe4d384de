import type { Observation } from "./messages.ts";
import { fieldBytes, textBytes, Writer } from "./wire-writer.ts";

// The bytes of an Observation, written without protobufjs. That builds several objects for each number of a
// vector, so a body of one megabyte took hundreds and blocked the process for a second. The bytes are the
// same; test/unit/libs/encode-observation.test.ts compares them.

/** An observation whose vectors have numbers only. KATO takes no others. */
export type NumericObservation = Omit<Observation, "vectors"> & { vectors?: number[][] };

// A tag is the field's number, shifted by three, with its wire type: 1 for eight bytes, 2 for bytes with a
// length before them, 5 for four bytes. Each tag here is one byte.
const strings = 0x0a;
const vectors = 0x12;
const emotives = 0x1a;
const metadata = 0x22;
const uniqueId = 0x32;
const path = 0x3a;
const source = 0x52;
/** In a ListValue, a Value; in a map's entry, the key. */
const first = 0x0a;
const numberValue = 0x11;
const floatOfEntry = 0x15;
const textOfEntry = 0x12;

/** A number in a ListValue: the Value's tag and length, then its own tag and eight bytes. */
const numberBytes = 11;

/** Whether every number of the vectors is one. */
export function isNumeric(observation: Observation): observation is NumericObservation {
  return (observation.vectors ?? []).every((vector) => vector.every((value) => typeof value === "number"));
}

/** How many bytes `encodeObservation` will make. Nothing is built for it. */
export function observationBytes(observation: NumericObservation): number {
  let size = textsBytes(observation.strings) + textsBytes(observation.path);
  for (const vector of observation.vectors ?? []) size += fieldBytes(numberBytes * vector.length);
  for (const key of Object.keys(observation.emotives ?? {})) size += fieldBytes(textBytes(key) + 5);
  for (const [key, text] of Object.entries(observation.metadata ?? {})) {
    size += fieldBytes(textBytes(key) + textBytes(text));
  }
  if (observation.unique_id !== undefined) size += textBytes(observation.unique_id);
  if (observation.source !== undefined) size += textBytes(observation.source);
  return size;
}

/** The bytes of an Observation message. `size` is what `observationBytes` says of it. */
export function encodeObservation(
  observation: NumericObservation,
  size = observationBytes(observation),
): Buffer {
  const out = new Writer(size);
  for (const text of observation.strings ?? []) out.text(strings, text);
  for (const vector of observation.vectors ?? []) {
    out.head(vectors, numberBytes * vector.length);
    for (const value of vector) {
      out.head(first, numberBytes - 2);
      out.double(numberValue, value);
    }
  }
  for (const [key, value] of Object.entries(observation.emotives ?? {})) {
    out.head(emotives, textBytes(key) + 5);
    out.text(first, key);
    out.float(floatOfEntry, value);
  }
  for (const [key, text] of Object.entries(observation.metadata ?? {})) {
    out.head(metadata, textBytes(key) + textBytes(text));
    out.text(first, key);
    out.text(textOfEntry, text);
  }
  if (observation.unique_id !== undefined) out.text(uniqueId, observation.unique_id);
  for (const text of observation.path ?? []) out.text(path, text);
  if (observation.source !== undefined) out.text(source, observation.source);
  return out.bytes;
}

function textsBytes(texts: readonly string[] = []): number {
  let size = 0;
  for (const text of texts) size += textBytes(text);
  return size;
}
