import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import { checkObservation } from "../http/observation.ts";
import { fieldOfPointer } from "../http/problem.ts";
import { ObservationBody } from "../http/schemas.ts";
import { hasData } from "../http/unwrap-data.ts";

/** What observations are checked by where Fastify does not: a line's, or an item's of a list. */
export interface ObservationCheck {
  validate: NonNullable<ReturnType<FastifyRequest["compileValidationSchema"]>>;
  /** The largest request that NATS and KATO take. */
  limitBytes: number;
}

/** A line's JSON; undefined where there is nothing but white space. Throws INVALID_INPUT. */
export function parseLine(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) refuse("is not UTF-8");
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    refuse(`is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}`);
  }
}

/**
 * The checks of `POST /{id}/observe`, for an observation that came in another way; whatever else it carries is taken out.
 * Throws INVALID_INPUT naming the field.
 */
function checkedObservation(value: unknown, { validate }: ObservationCheck): ObservationBody {
  const observation: unknown = hasData(value) ? value.data : value;
  if (!isObservation(observation, validate)) {
    const [first] = validate.errors ?? [];
    const field = fieldOfPointer(first?.instancePath ?? "");
    const detail = first?.message ?? "is not valid";
    if (field === "body") refuse(detail);
    throw new GatewayError("INVALID_INPUT", `${field}: ${detail}`, { errors: [{ field, detail }] });
  }
  checkObservation(observation);
  return observation;
}

/** The request that an observation becomes; one without a unique_id is given this one. */
export function observeRequest(value: unknown, uniqueId: string, check: ObservationCheck): Buffer {
  const observation = checkedObservation(value, check);
  const data = encodeRequest("Observe", { ...observation, unique_id: observation.unique_id || uniqueId });
  if (data.length > check.limitBytes) {
    refuse(`is ${data.length} bytes for KATO, the limit is ${check.limitBytes}`);
  }
  return data;
}

function isObservation(value: unknown, validate: ObservationCheck["validate"]): value is ObservationBody {
  return validate(value) === true;
}

function refuse(detail: string): never {
  throw new GatewayError("INVALID_INPUT", detail);
}

/** What lines are checked by. */
export function observationCheck(request: FastifyRequest, limitBytes: number): ObservationCheck {
  return { validate: request.compileValidationSchema(ObservationBody), limitBytes };
}
