import type { OpenAPIV3_1 } from "openapi-types";
import type { TSchema } from "typebox";
import { ObservationBody } from "../http/schemas.ts";
import { Ingestion, Model, Prediction } from "./answer-schemas.ts";
import { headerReferences, requestHeaders, responseHeaders } from "./headers.ts";
import { manyObservations } from "./many-observations.ts";
import { oneProcessor } from "./one-processor.ts";
import { operating } from "./operating.ts";
import type { Answered, Operation } from "./operation.ts";
import { Processor } from "./operator-schemas.ts";
import {
  BulkProblem,
  bulkProblemReferences,
  Problem,
  problemReferences,
  problemResponses,
} from "./problems.ts";
import { theGateway } from "./the-gateway.ts";

/** What stands in the document once, and is referred to wherever it occurs. */
const namedSchemas = {
  Observation: ObservationBody,
  Prediction,
  Model,
  Processor,
  Ingestion,
  Problem,
  BulkProblem,
};

/** The three groups of routes, as the document names them. */
export const tags = [
  {
    name: "One processor",
    description: "Commands, which change it, and queries, which only read.",
    of: oneProcessor,
  },
  { name: "Many observations", description: "In one request, or as one command.", of: manyObservations },
  {
    name: "The gateway",
    description: "Itself, and its processors as operators see them.",
    of: { ...theGateway, ...operating },
  },
];

/** What marks an operation whose body may be left out, from the route to `complete`. */
export const bodyMayBeMissing = "x-body-may-be-missing";

type Generated = OpenAPIV3_1.OperationObject<{ [bodyMayBeMissing]?: true }>;

/** What @fastify/swagger makes of the routes: their paths, and under each nothing but operations. */
export interface GeneratedDocument extends Omit<OpenAPIV3_1.Document, "paths"> {
  paths: Record<string, Record<string, Generated>>;
}

/** Makes the document whole: `document` has the paths, parameters and bodies that the schemas of the routes say. */
export function complete(document: GeneratedDocument): OpenAPIV3_1.Document {
  const paths: OpenAPIV3_1.PathsObject = {};
  for (const [path, item] of Object.entries(document.paths)) {
    paths[path] = Object.fromEntries(
      Object.entries(item).map(([method, operation]) => [method, describe(method, path, operation)]),
    );
  }
  const schemas = Object.fromEntries(
    Object.entries(namedSchemas).map(([name, schema]) => [name, asSent(schema)]),
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
    },
  };
}

/** A route without an entry stays as its schemas have it. */
function describe(method: string, path: string, generated: Generated) {
  const key = `${method.toUpperCase()} ${path}`;
  const tag = tags.find(({ of }) => Object.hasOwn(of, key));
  const operation = tag?.of[key];
  if (!tag || !operation) return generated;
  const { summary, description, headers = [], answers, problems } = operation;
  const parameters = [
    ...(generated.parameters ?? []),
    ...headers.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
  const requestBody = describeBody(generated, operation.body);
  return {
    operationId: operationId(method, path),
    tags: [tag.name],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]),
      ),
      ...(problems === "bulk" ? bulkProblemReferences() : problemReferences(problems)),
    },
  };
}

/** The schema is the route's own, unless the entry has a better one. */
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

function describeAnswer({ description, headers, content }: Answered): OpenAPIV3_1.ResponseObject {
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

/**
 * A schema as clients are told it: without `additionalProperties: false`, which has the gateway leave out what it does not know,
 * not refuse it.
 */
export function asSent(schema: TSchema): OpenAPIV3_1.SchemaObject {
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    key === "additionalProperties" && value === false ? undefined : value,
  );
}

/** The same with references in the place of what has a name; `isNameable` is whether it may itself be one. */
function withReferences(node: unknown, names: ReadonlyMap<string, string>, isNameable = true): unknown {
  if (Array.isArray(node)) return node.map((item) => withReferences(item, names));
  if (typeof node !== "object" || node === null) return node;
  const name = isNameable ? names.get(JSON.stringify(node)) : undefined;
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withReferences(value, names)]));
}

/** `getProcessorsById`: the method and the path without the processor that most of them begin with. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/\{id\}/, "")
    .replaceAll("{", "by-")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
