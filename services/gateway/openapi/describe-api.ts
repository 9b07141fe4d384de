import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema, RouteOptions } from "fastify";
import type { OpenAPIV3_1 } from "openapi-types";
import type { TSchema } from "typebox";
import { Type } from "typebox";
import packageJson from "../../../package.json" with { type: "json" };
import type { Scope } from "../access/grants.ts";
import { unwrapData } from "../http/bodies.ts";
import type { GeneratedDocument } from "./complete-document.ts";
import { asSent, bodyMayBeMissing, completeDocument, operationKey, scopeKey } from "./complete-document.ts";
import { docsPage } from "./docs-page.ts";
import type { Operation } from "./operation.ts";
import { tags } from "./operation.ts";

const description =
  "Requests and answers are JSON, whatever the content type of a request says. A request that fails is " +
  "answered with\n" +
  "`application/problem+json` (RFC 9457), whose `effect` says whether the processor was changed. A fault " +
  "of the gateway itself is a 500 of\n" +
  "the same form. With `GATEWAY_LEGACY_ERRORS=1` a body that is not JSON is a 500 too.\n" +
  "\n" +
  "Commands change a processor: each has a place in the processor's command log, and they are applied " +
  "one at a time in that order. Queries only\n" +
  "read, and are answered between two commands.";

const documentOperation: Operation = {
  tag: "The gateway",
  summary: "This description of the API",
  answers: {
    200: {
      description: "An OpenAPI 3.1 document.",
      content: { "application/json": { schema: Type.Object({ openapi: Type.String() }) } },
    },
  },
  problems: [503],
};

const pageOperation: Operation = {
  tag: "The gateway",
  summary: "This description of the API, for people",
  answers: { 200: { description: "A page.", content: { "text/html": { schema: Type.String() } } } },
  problems: [503],
};

/**
 * Describes every route that is registered after this: as an OpenAPI document at GET /openapi.json, and as a
 * page at GET /docs. Each is made when it is first asked for. A route's answers are not changed by its
 * description.
 */
export function describeApi(
  app: FastifyInstance,
  options: { named: Readonly<Record<string, TSchema>>; isOpen: boolean },
): void {
  void app.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "KATO gateway",
        version: packageJson.version,
        description,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/", description: "This gateway" }],
      tags: [...tags],
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => ({ url, schema: { ...schema, ...describedBy(route) } }),
    transformObject: (made) => {
      if (!("openapiObject" in made)) throw new TypeError("@fastify/swagger made no OpenAPI document");
      return completeDocument(made.openapiObject as GeneratedDocument, options);
    },
  });
  void app.register(async (described) => {
    // As bytes, so that many answers that nobody reads yet share them.
    let json: Buffer | undefined;
    let page: Buffer | undefined;
    described.get(
      "/openapi.json",
      { config: { operation: documentOperation, scope: "none" } },
      async (_request, reply) => {
        json ??= Buffer.from(JSON.stringify(described.swagger()));
        return reply.type("application/json; charset=utf-8").send(json);
      },
    );
    described.get(
      "/docs",
      { config: { operation: pageOperation, scope: "none" } },
      async (_request, reply) => {
        page ??= Buffer.from(docsPage(described.swagger() as OpenAPIV3_1.Document));
        return reply
          .type("text/html; charset=utf-8")
          .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
          .send(page);
      },
    );
  });
}

type DescribedSchema = FastifySchema & {
  [operationKey]: Operation | undefined;
  [scopeKey]: Scope | "none" | undefined;
};

/**
 * What a route says of itself beyond its schemas. Where it also takes its body under `data`, the body's
 * schema says so, and a body without required fields may be missing.
 */
function describedBy({ schema, config, preValidation }: RouteOptions): DescribedSchema {
  const described: DescribedSchema = { [operationKey]: config?.operation, [scopeKey]: config?.scope };
  if (!schema?.body) return described;
  const body = asSent(schema.body as TSchema);
  if (preValidation !== unwrapData) return { ...described, body };
  const { required = [] } = body;
  return {
    ...described,
    body: {
      anyOf: [
        body,
        { type: "object", required: ["data"], properties: { data: body }, additionalProperties: false },
      ],
    },
    ...(required.length === 0 && { [bodyMayBeMissing]: true }),
  };
}
