import { unknownFields } from "./known-fields.ts";
import type { WrongField } from "./problem.ts";
import { fieldOfPointer } from "./problem.ts";

/** One of Ajv's errors. With Ajv's option `verbose` it has the schema and the value that it is about. */
interface ValidationError {
  keyword: string;
  instancePath: string;
  message?: string | undefined;
  parentSchema?: object | undefined;
  data?: unknown;
}

/** The fields that Ajv's errors are about. Where there are unknown fields, all of them are named. */
export function wrongFields(errors: readonly ValidationError[]): WrongField[] {
  return errors.flatMap((error) => {
    const { keyword, instancePath, message: detail = "is not valid", parentSchema, data } = error;
    const known =
      parentSchema && "properties" in parentSchema ? Object.keys(Object(parentSchema.properties)) : [];
    if (keyword === "additionalProperties") {
      const at = instancePath === "" ? "" : `${fieldOfPointer(instancePath)}.`;
      const unknown = Object.keys(Object(data)).filter((name) => !known.includes(name));
      return unknownFields(unknown, known, at);
    }
    return [{ field: fieldOfPointer(instancePath), detail }];
  });
}
