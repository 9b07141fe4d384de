import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../../libs/kato/rpcs.ts";

/**
 * Throws TOO_LARGE if a request of so many bytes is larger than KATO takes. It is asked before the request is
 * built. What NATS takes can be less, and is checked before the request is sent (`checkSendable`).
 */
export function checkRequestBytes(bytes: number): void {
  if (bytes <= maxMessageBytes) return;
  const detail = `The request is ${bytes} bytes for KATO, the limit is ${maxMessageBytes}.`;
  throw new GatewayError("TOO_LARGE", detail, { effect: "none" });
}
