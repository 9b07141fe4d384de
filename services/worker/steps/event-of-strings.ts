import { decodeRequest } from "../../../libs/kato/codec.ts";
import { byCodePoint } from "./code-points.ts";

/** The event that an Observe of strings makes, `[]` for none; null where vectors decide. */
export function eventOfStrings(request: Uint8Array): string[] | null {
  const { strings = [], vectors = [] } = decodeRequest("Observe", Buffer.from(request));
  return vectors.length > 0 ? null : strings.toSorted(byCodePoint);
}
