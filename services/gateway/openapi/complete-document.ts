import type { OpenAPIV3_1 } from "openapi-types";
import type { TSchema } from "typebox";
import type { Scope } from "../access/grants.ts";
import { cookieName } from "../access/session-cookie.ts";
import { headerReferences, requestHeaders, responseHeaders } from "./headers.ts";
import type { DescribedAnswer, Operation } from "./operation.ts";
import {
  BulkProblem,
  bulkProblemReferences,
  Problem,
  problemReferences,
  problemResponses,
} from "./problems.ts";

/**
 * Keys under which what a route says of itself passes through @fastify/swagger. `completeDocument` reads and
 * removes them.
 */
export const operationKey = "x-operation";
export const bodyMayBeMissing = "x-body-may-be-missing";
export const scopeKey = "x-scope";

type Generated = OpenAPIV3_1.OperationObject<{
  [operationKey]?: Operation;
  [bodyMayBeMissing]?: true;
  [scopeKey]?: Scope | "none";
}>;

/** The document that @fastify/swagger makes of the routes' schemas. Its paths have nothing but operations. */
export interface GeneratedDocument extends Omit<OpenAPIV3_1.Document, "paths"> {
  paths: Record<string, Record<string, Generated>>;
}

/** How a request says who sends it, as the document names it. */
const securitySchemes: Record<string, OpenAPIV3_1.SecuritySchemeObject> = {
  bearer: { type: "http", scheme: "bearer", description: "An API key, or a JSON Web Token" },
  login: { type: "apiKey", in: "cookie", name: cookieName, description: "Set by `POST /session`" },
};

/**
 * Joins the generated document, which has paths, parameters and bodies, with the routes' descriptions. Each
 * of `named` stands in the document once, under its name, and is referred to wherever it occurs. `isOpen` says
 * that the gateway asks nobody who they are.
 */
export function completeDocument(
  document: GeneratedDocument,
  { named, isOpen }: { named: Readonly<Record<string, TSchema>>; isOpen: boolean },
): OpenAPIV3_1.Document {
  const paths: OpenAPIV3_1.PathsObject = {};
  for (const [path, item] of Object.entries(document.paths)) {
    paths[path] = Object.fromEntries(
      Object.entries(item).map(([method, generated]) => [method, describe(method, path, generated, isOpen)]),
    );
  }
  const schemas = Object.fromEntries(
    Object.entries({ ...named, Problem, BulkProblem }).map(([name, schema]) => [name, asSent(schema)]),
  );
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [JSON.stringify(schema), name]));
  return {
    ...document,
    paths: withReferences(paths, names) as OpenAPIV3_1.PathsObject,
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, withReferences(schema, names, false)]),
      ) as Record<string, OpenAPIV3_1.SchemaObject>,
      parameters: requestHeaders,
      headers: responseHeaders,
      responses: problemResponses,
      ...(!isOpen && { securitySchemes }),
    },
  };
}

/** A route without a description stays as its schemas have it. */
function describe(method: string, path: string, generated: Generated, isOpen: boolean) {
  const operation = generated[operationKey];
  if (!operation) return generated;
  const { tag, summary, headers = [], answers, problems } = operation;
  const scope = generated[scopeKey] ?? "none";
  const needsPrincipal = scope !== "none";
  const needed = needsPrincipal ? `Needs the scope \`${scope}\`.` : "";
  const description = [operation.description, needed].filter(Boolean).join("\n\n");
  const parameters = [
    ...(generated.parameters ?? []),
    ...headers.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
  const requestBody = describeBody(generated, operation.body);
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description !== "" && { description }),
    ...(!isOpen && {
      security: needsPrincipal ? Object.keys(securitySchemes).map((name) => ({ [name]: [] })) : [],
    }),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]),
      ),
      ...(problems === "bulk"
        ? bulkProblemReferences()
        : problemReferences({ method, needsPrincipal }, problems)),
    },
  };
}

/** The body's schema is the route's own, unless the description has one. */
function describeBody(
  generated: Generated,
  body: Operation["body"],
): OpenAPIV3_1.RequestBodyObject | undefined {
  if (!body) return undefined;
  const { requestBody } = generated;
  const content = requestBody && "content" in requestBody ? requestBody.content : {};
  return {
    required: !generated[bodyMayBeMissing],
    content: Object.fromEntries(
      Object.entries(body).map(([type, { schema, examples }]) => [
        type,
        {
          schema: schema ? asSent(schema) : (content[type]?.schema ?? {}),
          examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
        },
      ]),
    ),
  };
}

function describeAnswer({ description, headers, content }: DescribedAnswer): OpenAPIV3_1.ResponseObject {
  return {
    description,
    ...(headers && { headers: headerReferences(headers) }),
    ...(content && {
      content: Object.fromEntries(
        Object.entries(content).map(([type, { schema, example }]) => [
          type,
          { schema: asSent(schema), ...(example !== undefined && { example }) },
        ]),
      ),
    }),
  };
}

/** A schema as plain JSON. */
export function asSent(schema: TSchema): OpenAPIV3_1.SchemaObject {
  return JSON.parse(JSON.stringify(schema));
}

/**
 * Replaces every part that has a name by a reference. `isNameable` says whether the node itself may be
 * replaced.
 */
function withReferences(node: unknown, names: ReadonlyMap<string, string>, isNameable = true): unknown {
  if (Array.isArray(node)) return node.map((item) => withReferences(item, names));
  if (typeof node !== "object" || node === null) return node;
  const name = isNameable ? names.get(JSON.stringify(node)) : undefined;
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withReferences(value, names)]));
}

/**
 * For example `getProcessorsById`: the method, and the path without the processor that most paths begin with.
 */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/\{id\}/, "")
    .replaceAll("{", "by-")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
