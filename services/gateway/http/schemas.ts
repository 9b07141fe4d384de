import type { Static } from "typebox";
import { Type } from "typebox";

// Parts of request schemas that several subjects use.

/** The largest number that is finite as a float32. */
export const maxFloat32 = 3.4028234663852886e38;

/**
 * A number that is finite as the float32 that the wire has. It also refuses JSON's 1e400, which reads as
 * infinity.
 */
export const Float32 = Type.Number({ minimum: -maxFloat32, maximum: maxFloat32 });

/**
 * An object with any keys. Type.Record is not used, as its pattern does not check keys that have a line
 * break.
 */
export function mapOf<T extends Type.TSchema>(value: T, description?: string) {
  return Type.Unsafe<Record<string, Static<T>>>({
    type: "object",
    additionalProperties: value,
    ...(description !== undefined && { description }),
  });
}

/** One of these words. A union of a list has no type by itself. */
export function oneOf<const Word extends string>(words: readonly Word[], description?: string) {
  return Type.Unsafe<Word>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      description === undefined ? {} : { description },
    ),
  );
}

export const ProcessorId = Type.String({ description: "The processor's id", examples: ["p46b6b076c"] });

export const ProcessorParams = Type.Object({ id: ProcessorId });

/** A sequence in a path or in a query string, where everything is text. */
export const SequenceText = Type.String({
  pattern: "^\\d{1,15}$",
  description: "A place in the command log",
});
