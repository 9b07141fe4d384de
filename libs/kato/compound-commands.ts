import { fileURLToPath } from "node:url";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import { isMethod } from "./rpcs.ts";
import { Reader } from "./wire-reader.ts";
import { fieldBytes, textBytes, Writer } from "./wire-writer.ts";

// A compound command is several RPCs that stand in the log as one command, so that no other command comes
// between them. There are two (docs/architecture.md, "Commands"; proto/command.proto).

/**
 * The method of the command that adds to the recall threshold: GetGene, UpdateGenes and
 * IncrementRecallThreshold in one.
 */
export const changeRecallThresholdMethod = "ChangeRecallThreshold";

/** The method of the command that is a list of RPCs, its steps. */
export const sequenceMethod = "Sequence";

interface RecallThresholdChange {
  increment: number;
}

/** One RPC of a Sequence. */
export interface SequenceStep {
  method: string;
  request: Uint8Array;
}

/** The outcome of one step of a Sequence. `response` is empty if no response was seen. */
export interface SequenceResult {
  response: Uint8Array;
  auto_learned_model: string;
}

/** The tags of the first two fields, whose content has a length before it. */
const firstField = 0x0a;
const secondField = 0x12;

const messages = loadSync(fileURLToPath(new URL("../../proto/command.proto", import.meta.url)), {
  keepCase: true,
  defaults: true,
});

/**
 * A message type of command.proto. The file says that T is its plain form, which proto-loader cannot know.
 */
function messageType<T>(name: string): MessageTypeDefinition<T, T> {
  const definition: unknown = messages[`kato_gateway.${name}`];
  if (!definition) throw new Error(`command.proto has no message ${name}`);
  return definition as MessageTypeDefinition<T, T>;
}

const recallThresholdChange = messageType<RecallThresholdChange>("RecallThresholdChange");
const sequenceResults = messageType<{ results: SequenceResult[] }>("SequenceResults");

// Encoding and decoding. Bytes that are no such message throw, as in codec.ts.

/** The data of a ChangeRecallThreshold. */
export function encodeRecallThresholdChange(change: RecallThresholdChange): Buffer {
  return recallThresholdChange.serialize(change);
}

/** Reads what `encodeRecallThresholdChange` has written. */
export function decodeRecallThresholdChange(bytes: Uint8Array): RecallThresholdChange {
  return recallThresholdChange.deserialize(Buffer.from(bytes));
}

/** How many bytes `encodeSequence` will make. */
export function sequenceBytes(steps: readonly { method: string; requestBytes: number }[]): number {
  let size = 0;
  for (const { method, requestBytes } of steps) size += fieldBytes(stepBytes(method, requestBytes));
  return size;
}

/**
 * The data of a Sequence. It is written without protobufjs, which takes many times as long for many steps.
 */
export function encodeSequence(steps: readonly SequenceStep[]): Buffer {
  const out = new Writer(
    sequenceBytes(steps.map(({ method, request }) => ({ method, requestBytes: request.length }))),
  );
  for (const { method, request } of steps) {
    out.head(firstField, stepBytes(method, request.length));
    out.text(firstField, method);
    out.head(secondField, request.length);
    out.raw(request);
  }
  return out.bytes;
}

function stepBytes(method: string, requestBytes: number): number {
  return textBytes(method) + fieldBytes(requestBytes);
}

/** Reads what `encodeSequence` has written. */
export function decodeSequence(bytes: Uint8Array): SequenceStep[] {
  const steps: SequenceStep[] = [];
  eachItem(bytes, (reader) => {
    const step: SequenceStep = { method: "", request: new Uint8Array() };
    reader.eachField(reader.varint(), (field, wireType) => {
      if (field === 1 && wireType === 2) step.method = reader.text();
      else if (field === 2 && wireType === 2) step.request = reader.bytes();
      else reader.skip(wireType);
    });
    steps.push(step);
  });
  return steps;
}

/** The data of the reply to a Sequence: one result for each step, in order. */
export function encodeSequenceResults(results: SequenceResult[]): Buffer {
  return sequenceResults.serialize({ results });
}

/** Reads what `encodeSequenceResults` has written. */
export function decodeSequenceResults(bytes: Uint8Array): SequenceResult[] {
  const results: SequenceResult[] = [];
  eachItem(bytes, (reader) => {
    const result: SequenceResult = { response: new Uint8Array(), auto_learned_model: "" };
    reader.eachField(reader.varint(), (field, wireType) => {
      if (field === 1 && wireType === 2) result.response = reader.bytes();
      else if (field === 2 && wireType === 2) result.auto_learned_model = reader.text();
      else reader.skip(wireType);
    });
    results.push(result);
  });
  return results;
}

/** Calls `read` for each message in field 1, which is all that a Sequence or its results have. */
function eachItem(bytes: Uint8Array, read: (reader: Reader) => void): void {
  const reader = new Reader(bytes);
  reader.eachField(bytes.length, (field, wireType) => {
    if (field === 1 && wireType === 2) read(reader);
    else reader.skip(wireType);
  });
}

/** A method's name in metrics and spans. An unknown method is "other", so that there are few names. */
export function methodLabel(method: string): string {
  return isMethod(method) || method === sequenceMethod || method === changeRecallThresholdMethod
    ? method
    : "other";
}
