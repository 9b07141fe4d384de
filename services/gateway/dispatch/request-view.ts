import { decodeRequest } from "../../../libs/kato/codec.ts";
import {
  changeRecallThresholdMethod,
  decodeRecallThresholdChange,
  decodeSequence,
  sequenceMethod,
} from "../../../libs/kato/compound-commands.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";

/**
 * What a command asks for, as JSON: the request of its RPC, or of each of its steps. Undefined for bytes that are no
 * request of this method, as other programs can write into a log.
 */
export function requestView(method: string, data: Uint8Array): object | undefined {
  try {
    if (method === changeRecallThresholdMethod) return decodeRecallThresholdChange(data);
    if (method === sequenceMethod) {
      return decodeSequence(data).map((step) => ({
        method: step.method,
        request: requestView(step.method, step.request),
      }));
    }
    return isMethod(method) ? decodeRequest(method, Buffer.from(data)) : undefined;
  } catch {
    return undefined;
  }
}
