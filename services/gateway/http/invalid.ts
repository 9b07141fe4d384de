import { GatewayError } from "../../../libs/errors/gateway-error.ts";

/** Throws INVALID_INPUT naming the field; `detail` goes on after its name. */
export function invalid(field: string, detail: string): never {
  throw new GatewayError("INVALID_INPUT", `${field}: ${detail}`, {
    effect: "none",
    errors: [{ field, detail }],
  });
}
