import type { FastifyInstance, FastifyRequest, FastifySchema, RouteOptions } from "fastify";
import type { WrongField } from "./problem.ts";
import { invalidFields } from "./problem.ts";

// What a client sends and the gateway does not know is refused by name. Were it left out silently, a
// misspelt field would become an empty observation, and a misspelt parameter a command that is not given.

const maxNamed = 20;
const maxNameLength = 100;
/** How many letters may differ from the field that was probably meant. */
const maxTypos = 2;

interface ObjectSchema {
  properties?: Record<string, unknown>;
  additionalProperties?: unknown;
}

/**
 * Refuses unknown fields of bodies and unknown query parameters, on every route that is registered after
 * this. A route may set `additionalProperties` itself. A body that a route has no use for is refused, too.
 */
export function refuseUnknownFields(app: FastifyInstance): void {
  app.addHook("onRoute", (route: RouteOptions) => {
    const { body, querystring, ...others } = route.schema ?? {};
    route.schema = {
      ...others,
      querystring: closed(querystring ?? { type: "object", properties: {} }),
      ...(body !== undefined && { body: closed(body) }),
    };
    if (body === undefined && route.config?.operation?.body === undefined) {
      route.preHandler = [route.preHandler ?? [], takesNoFields].flat();
    }
  });
}

function closed(schema: FastifySchema["body"]): unknown {
  const object = schema as ObjectSchema;
  const isOpen = object.properties === undefined || object.additionalProperties !== undefined;
  return isOpen ? schema : { ...object, additionalProperties: false };
}

/**
 * A body without fields means nothing, and `data` is known whatever it holds: the old front end's clients
 * send both.
 */
async function takesNoFields({ body }: FastifyRequest): Promise<void> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return;
  const unknown = Object.keys(body).filter((name) => name !== "data");
  if (unknown.length > 0) invalidFields(unknownFields(unknown, []));
}

/** The names of fields that are not known, each with what may have been meant. */
export function unknownFields(names: readonly string[], known: readonly string[], at = ""): WrongField[] {
  const listed = known.length > 0 ? `; known are ${known.join(", ")}` : "; there are none here";
  return names.slice(0, maxNamed).map((name) => {
    const meant = likelyOf(name, known);
    const field = at + name.slice(0, maxNameLength);
    return { field, detail: `is unknown${meant === undefined ? listed : `; did you mean ${meant}?`}` };
  });
}

function likelyOf(name: string, known: readonly string[]): string | undefined {
  if (name.length > maxNameLength) return undefined;
  const written = name.toLowerCase();
  const ranked = known.map((candidate) => ({ candidate, typos: typosBetween(written, candidate) }));
  const [best] = ranked.sort((a, b) => a.typos - b.typos);
  return best && best.typos <= Math.min(maxTypos, name.length / 2) ? best.candidate : undefined;
}

/** The Levenshtein distance: how many letters have to be added, removed or replaced. */
function typosBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
