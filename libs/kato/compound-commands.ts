import { fileURLToPath } from "node:url";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";

/**
 * The methods of the two compound commands. A compound command is several RPCs that stand in the log as one
 * command, so that no other command comes between them (docs/architecture.md, "Commands";
 * proto/command.proto).
 */
export const changeRecallThresholdMethod = "ChangeRecallThreshold";
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
const sequence = messageType<{ steps: SequenceStep[] }>("Sequence");
const sequenceResults = messageType<{ results: SequenceResult[] }>("SequenceResults");

// The bytes of the data of both commands, and of a Sequence's reply. To decode bytes that are no such message
// throws, as in codec.ts.

export function encodeRecallThresholdChange(change: RecallThresholdChange): Buffer {
  return recallThresholdChange.serialize(change);
}

export function decodeRecallThresholdChange(bytes: Uint8Array): RecallThresholdChange {
  return recallThresholdChange.deserialize(Buffer.from(bytes));
}

export function encodeSequence(steps: SequenceStep[]): Buffer {
  return sequence.serialize({ steps });
}

export function decodeSequence(bytes: Uint8Array): SequenceStep[] {
  return sequence.deserialize(Buffer.from(bytes)).steps;
}

export function encodeSequenceResults(results: SequenceResult[]): Buffer {
  return sequenceResults.serialize({ results });
}

export function decodeSequenceResults(bytes: Uint8Array): SequenceResult[] {
  return sequenceResults.deserialize(Buffer.from(bytes)).results;
}
