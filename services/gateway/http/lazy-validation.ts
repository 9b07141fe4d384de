import AjvCompiler from "@fastify/ajv-compiler";
import type { FastifyInstance, FastifySchema } from "fastify";
import type { FastifyValidationResult } from "fastify/types/schema.js";

/** An unknown field is refused, and `verbose` lets its error name those that there are. */
const customOptions = { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true };

/**
 * Has each schema compiled when the first request comes that it is for. To compile all of them was a fifth of what
 * a gateway's start took.
 */
export function compileSchemasWhenUsed(app: FastifyInstance): void {
  const compile = AjvCompiler()({}, { customOptions });
  app.setValidatorCompiler<FastifySchema>((route) => {
    let check: ReturnType<typeof compile> | undefined;
    const validate: FastifyValidationResult = (data) => {
      check ??= compile(route);
      const isValid = check(data) === true;
      validate.errors = check.errors ?? null;
      return isValid;
    };
    return validate;
  });
}
