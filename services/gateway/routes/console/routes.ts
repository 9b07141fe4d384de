import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { consoleAssets } from "./assets.ts";
import * as described from "./description.ts";

/**
 * What the page may do: load its own files and ask its own gateway, and nothing else. It never makes HTML of a text,
 * and no browser that knows trusted types would let it.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** By then a gateway that starts has done what is urgent. */
const prepareAfterMs = 5_000;

/** The console: a page for a browser, and its files. They tell nothing about processors. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  // The first view shall be as quick as the next. Whoever asks earlier has the files made at once.
  app.addHook("onListen", async () => {
    setTimeout(() => void consoleAssets().catch(() => {}), prepareAfterMs).unref();
  });
  // Whoever comes from elsewhere may bring a query.
  const querystring = Type.Object({}, { additionalProperties: true });
  app.get(
    "/console",
    { schema: { querystring }, config: { operation: described.page, scope: "none" } },
    (request, reply) => sendAsset("", request, reply),
  );

  const params = Type.Object({ file: Type.String({ description: "As the page names it" }) });
  app.get(
    "/console/:file",
    { schema: { params }, config: { operation: described.file, scope: "none" } },
    (request, reply) => sendAsset(request.params.file, request, reply),
  );
};

async function sendAsset(
  name: string,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asset = (await consoleAssets()).get(name);
  if (!asset)
    throw new GatewayError("ROUTE_NOT_FOUND", `The console has no file ${JSON.stringify(name)}.`, {
      effect: "none",
    });
  reply
    .headers({
      "cache-control": "no-cache",
      etag: asset.etag,
      vary: "Accept-Encoding",
      "content-security-policy": contentSecurityPolicy,
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
    })
    .type(asset.type);
  // A proxy that has packed the answer has made the tag a weak one.
  const known = (headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(asset.etag)) return reply.code(304).send();
  if (!/\bgzip\b/.test(String(headers["accept-encoding"] ?? ""))) return reply.send(asset.body);
  return reply.header("content-encoding", "gzip").send(asset.gzip);
}

export default routes;
