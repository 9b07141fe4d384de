import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import packageJson from "../../../../package.json" with { type: "json" };
import type { RouteOptions } from "../../fleet/backend.ts";
import { checkReady } from "../../fleet/readiness.ts";
import { home, links } from "./description.ts";
import { homePage } from "./page.ts";

/** A browser says what it takes, and says HTML first. */
const asksForHtml = /^\s*(text\/html|application\/xhtml\+xml)/i;

/** A place to begin: a page for people, links for programs. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  // Whoever comes from elsewhere may bring a query.
  const schema = { querystring: Type.Object({}, { additionalProperties: true }) };
  app.get("/", { schema, config: { operation: home, scope: "none" } }, async (request, reply) => {
    const reason = await checkReady(options).then(
      () => undefined,
      (error: unknown) => GatewayError.from(error).message,
    );
    reply.header("vary", "Accept");
    if (!asksForHtml.test(request.headers.accept ?? "")) {
      const isReady = reason === undefined;
      const { version } = packageJson;
      return { name: "KATO gateway", version, ready: isReady, ...(!isReady && { reason }), links };
    }
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
      .send(homePage(reason));
  });
};

export default routes;
