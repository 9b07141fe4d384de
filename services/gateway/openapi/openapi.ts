import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema, RouteOptions } from "fastify";
import type { OpenAPIV3_1 } from "openapi-types";
import type { TSchema } from "typebox";
import packageJson from "../../../package.json" with { type: "json" };
import { unwrapData } from "../http/unwrap-data.ts";
import type { GeneratedDocument } from "./document.ts";
import { asSent, bodyMayBeMissing, complete, tags } from "./document.ts";
import { docsPage } from "./page.ts";

const description = `Requests and answers are JSON, whatever the content type of a request says. A request that fails is answered with
\`application/problem+json\` (RFC 9457), whose \`effect\` says whether the processor was changed. A fault of the gateway itself is a 500 of
the same form. With \`GATEWAY_LEGACY_ERRORS=1\` a body that is not JSON is a 500 too.

Commands change a processor: each has a place in the processor's command log, and they are applied one at a time in that order. Queries only
read, and are answered between two commands.`;

/**
 * Describes every route that is registered after this: as an OpenAPI document at GET /openapi.json, for people at GET /docs.
 * Both are made when they are first asked for, and no answer of another route is changed by them.
 */
export function describeApi(app: FastifyInstance): void {
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
      tags: tags.map(({ name, description }) => ({ name, description })),
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => ({ url, schema: { ...schema, ...bodyAsSent(route) } }),
    transformObject: (made) => {
      if (!("openapiObject" in made)) throw new TypeError("@fastify/swagger made no OpenAPI document");
      return complete(made.openapiObject as GeneratedDocument);
    },
  });
  void app.register(async (described) => {
    let json: string | undefined;
    let page: string | undefined;
    described.get("/openapi.json", async (_request, reply) => {
      json ??= JSON.stringify(described.swagger());
      return reply.type("application/json; charset=utf-8").send(json);
    });
    described.get("/docs", async (_request, reply) => {
      page ??= docsPage(described.swagger() as OpenAPIV3_1.Document);
      return reply
        .type("text/html; charset=utf-8")
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        .send(page);
    });
  });
}

/** A route's body as clients may send it: where the route takes the same under `data`, also so, and left out if it has to say nothing. */
function bodyAsSent({ schema, preValidation }: RouteOptions): FastifySchema {
  if (!schema?.body) return {};
  const body = asSent(schema.body as TSchema);
  if (preValidation !== unwrapData) return { body };
  const { required = [] } = body;
  return {
    body: { anyOf: [body, { type: "object", required: ["data"], properties: { data: body } }] },
    ...(required.length === 0 && { [bodyMayBeMissing]: true }),
  };
}
