import { decodeSequence, encodeSequence, sequenceMethod } from "./compound-commands.ts";
import { eachField } from "./wire-fields.ts";

/** The fields of requests that are maps. Their entries mean the same in any order. */
const mapFields: Record<string, readonly number[]> = {
  // emotives and metadata
  Observe: [3, 4],
  // genes
  UpdateGenes: [1],
};

/**
 * Bytes that are the same for requests that mean the same: the entries of maps are sorted. They are to be
 * compared and nothing else. Undefined if the request has no two entries that could change places.
 */
export function comparableRequest(method: string, data: Uint8Array): Uint8Array | undefined {
  if (method === sequenceMethod) return comparableSequence(data);
  const maps = Object.hasOwn(mapFields, method) ? (mapFields[method] ?? []) : [];
  if (maps.length === 0) return undefined;
  const parts: { field: number; bytes: Buffer }[] = [];
  eachField(data, (field, value) => {
    parts.push({ field, bytes: Buffer.from(typeof value === "number" ? String(value) : value) });
  });
  const entries = parts.filter(({ field }) => maps.includes(field));
  if (entries.length < 2) return undefined;
  entries.sort((a, b) => a.field - b.field || a.bytes.compare(b.bytes));
  const sorted = [...parts.filter(({ field }) => !maps.includes(field)), ...entries];
  return Buffer.concat(
    sorted.flatMap(({ field, bytes }) => [Buffer.from(`${field}:${bytes.length}:`), bytes]),
  );
}

function comparableSequence(data: Uint8Array): Uint8Array | undefined {
  const steps = decodeSequence(data);
  const requests = steps.map(({ method, request }) => comparableRequest(method, request));
  if (requests.every((request) => request === undefined)) return undefined;
  return encodeSequence(
    steps.map(({ method, request }, index) => ({ method, request: requests[index] ?? request })),
  );
}
