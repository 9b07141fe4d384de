import { isProcessorId } from "../commands/names.ts";

/** A processor and where its instance is. */
export interface ProcessorEntry {
  id: string;
  /** What people call it. */
  name: string;
  /** `host:port` of its instance's gRPC server. */
  grpc_endpoint: string;
  /** What registered it. */
  source: "environment" | "rest";
  /** Its commands are accepted but not applied. */
  paused?: boolean;
}

const endpointPattern = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

/** Whether a text is a `host:port` that an instance can be reached at. */
export function isEndpoint(text: string): boolean {
  const port = Number(endpointPattern.exec(text)?.[2] ?? 0);
  return port > 0 && port <= 65_535;
}

/** What is wrong with an entry, or undefined. */
export function entryProblem(entry: { id: string; grpc_endpoint: string }): string | undefined {
  if (!isProcessorId(entry.id))
    return `"${entry.id}" is not a processor id: 1 to 64 of A-Z a-z 0-9 _ -, and no path of the gateway`;
  if (!isEndpoint(entry.grpc_endpoint)) return `"${entry.grpc_endpoint}" is not an endpoint: host:port`;
  return undefined;
}
