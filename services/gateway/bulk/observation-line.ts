import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { encodeObservation, observationBytes } from "../../../libs/kato/encode-observation.ts";
import { dataIn, hasData, textOf } from "../http/bodies.ts";
import { alwaysFitsBytes, checkJsonSize } from "../http/json-size.ts";
import { checkObservation, ObservationBody } from "../http/observation.ts";
import { sentenceOf } from "../http/problem.ts";
import { wrongFields } from "../http/validation-errors.ts";

/** Checks observations that Fastify does not see one by one: a line of NDJSON, an item of a list. */
export interface ObservationCheck {
  validate: NonNullable<ReturnType<FastifyRequest["compileValidationSchema"]>>;
  /** The largest request that NATS and KATO take. */
  limitBytes: number;
}

export function observationCheck(request: FastifyRequest, limitBytes: number): ObservationCheck {
  return { validate: request.compileValidationSchema(ObservationBody), limitBytes };
}

/** A line's JSON; undefined for a blank line. Throws INVALID_INPUT. */
export function parseLine(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) refuse("is not UTF-8");
  if (bytes.length > alwaysFitsBytes) checkJsonSize(bytes);
  const text = textOf(bytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    refuse(`is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}`);
  }
}

/**
 * The request that an observation becomes. It is checked as `POST /{id}/observe` checks it. One without a
 * unique_id gets `uniqueId`. Throws INVALID_INPUT naming the field.
 */
export function observeRequest(value: unknown, uniqueId: string, check: ObservationCheck): Buffer {
  const checked = checkedObservation(value, check);
  const observation = { ...checked, unique_id: checked.unique_id || uniqueId };
  const bytes = observationBytes(observation);
  if (bytes > check.limitBytes) refuse(`is ${bytes} bytes for KATO, the limit is ${check.limitBytes}`);
  return encodeObservation(observation, bytes);
}

function checkedObservation(value: unknown, { validate }: ObservationCheck): ObservationBody {
  const observation: unknown = hasData(value) ? dataIn(value) : value;
  if (!isObservation(observation, validate)) {
    const errors = wrongFields(validate.errors ?? []);
    const [first] = errors;
    if (first?.field === "body") refuse(first.detail);
    throw new GatewayError("INVALID_INPUT", sentenceOf(errors), { errors });
  }
  checkObservation(observation);
  return observation;
}

function isObservation(value: unknown, validate: ObservationCheck["validate"]): value is ObservationBody {
  return validate(value) === true;
}

function refuse(detail: string): never {
  throw new GatewayError("INVALID_INPUT", detail);
}
