import { fileURLToPath } from "node:url";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";

/** Commands that are several RPCs and stand in the log as one, so that nothing comes between (DESIGN.md, Commands). */
export const changeRecallThreshold = "ChangeRecallThreshold";

interface RecallThresholdChange {
  increment: number;
}

const messages = loadSync(fileURLToPath(new URL("../../proto/command.proto", import.meta.url)), {
  keepCase: true,
  defaults: true,
});
const recallThresholdChange = messages["kato_gateway.RecallThresholdChange"] as MessageTypeDefinition<
  RecallThresholdChange,
  RecallThresholdChange
>;

export function encodeRecallThresholdChange(change: RecallThresholdChange): Buffer {
  return recallThresholdChange.serialize(change);
}

/** Bytes that do not parse throw, as everywhere. */
export function decodeRecallThresholdChange(bytes: Uint8Array): RecallThresholdChange {
  return recallThresholdChange.deserialize(Buffer.from(bytes));
}
