import { errorCatalog, GatewayError } from "../../../libs/errors/gateway-error.ts";

/** The body of a problem (RFC 9457), without the request's id. */
export function problemOf(error: GatewayError) {
  const { title, retryable, status } = errorCatalog[error.code];
  const { retryAfterSeconds: _, limit: __, more, ...context } = error.context;
  const type = `urn:kato:problem:${error.code.toLowerCase().replaceAll("_", "-")}`;
  return { type, title, status, detail: error.message, retryable, ...context, ...more };
}

/** A field of the input, and what is wrong with it. */
export interface WrongField {
  field: string;
  detail: string;
}

/** Throws INVALID_INPUT for one field. The message is the field's name followed by `detail`. */
export function invalid(field: string, detail: string): never {
  return invalidFields([{ field, detail }]);
}

/** Throws INVALID_INPUT that names these fields. */
export function invalidFields(errors: WrongField[]): never {
  throw new GatewayError("INVALID_INPUT", sentenceOf(errors), { effect: "none", errors });
}

/** Wrong fields as one sentence. */
export function sentenceOf(errors: readonly WrongField[]): string {
  return errors.map(({ field, detail }) => `${field}: ${detail}`).join("; ");
}

/** A JSON pointer as people write it: `/vectors/0/1` becomes `vectors[0][1]`. The whole body is `body`. */
export function fieldOfPointer(pointer: string): string {
  const path = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (
    path.map((part, depth) => (/^\d+$/.test(part) ? `[${part}]` : depth ? `.${part}` : part)).join("") ||
    "body"
  );
}

/** The error for a processor that is not registered, and for one that the client may not see. */
export function processorNotFound(processor: string): GatewayError {
  return new GatewayError("PROCESSOR_NOT_FOUND", `Processor ${processor} not found`, {
    processor,
    effect: "none",
  });
}
