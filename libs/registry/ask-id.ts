import { KatoChannel } from "../kato/channel.ts";
import { decodeResponse, encodeRequest } from "../kato/codec.ts";

/**
 * Asks the instance at an endpoint for its processor's id, by a Ping. Undefined if it does not answer within
 * `timeoutMs`.
 */
export async function askId(endpoint: string, timeoutMs: number): Promise<string | undefined> {
  const channel = new KatoChannel(endpoint);
  try {
    if (!(await channel.connect(timeoutMs))) return undefined;
    const result = await channel.call("Ping", encodeRequest("Ping", {}), timeoutMs);
    return result.kind === "response" ? decodeResponse("Ping", result.bytes).id : undefined;
  } finally {
    channel.close();
  }
}
