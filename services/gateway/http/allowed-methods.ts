import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";

/** The methods that a path has, for the `Allow` of an answer to another one. */
export type AllowedMethods = (path: string) => string[];

/** Notes every route that is registered after this. */
export function noteMethods(app: FastifyInstance): AllowedMethods {
  /** By the route's path. A parameter is one segment. */
  const routes = new Map<string, { segments: string[]; methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    const route = routes.get(url) ?? { segments: url.split("/"), methods: new Set() };
    for (const each of [method].flat()) route.methods.add(each);
    routes.set(url, route);
  });
  return (path) => {
    const asked = path.split("/");
    const isOn = ({ segments }: { segments: string[] }) =>
      segments.length === asked.length &&
      segments.every((segment, index) =>
        segment.startsWith(":") ? asked[index] !== "" : segment === asked[index],
      );
    const methods = [...routes.values()].filter(isOn).flatMap((route) => [...route.methods]);
    return [...new Set(methods)].sort();
  };
}

/**
 * Answers a path that there is not with a 404, and a method that its path has not with a 405. That is done before
 * the body is looked at, so neither the body nor its type can turn it into another answer.
 */
export function refuseUnknownPaths(app: FastifyInstance, allowedMethods: AllowedMethods): void {
  const refuse = async (request: FastifyRequest, reply: FastifyReply) => {
    const [path = ""] = request.url.split("?", 1);
    const allowed = allowedMethods(path);
    if (allowed.length === 0) {
      throw new GatewayError("ROUTE_NOT_FOUND", `No ${request.method} ${path} here.`, { effect: "none" });
    }
    void reply.header("allow", allowed.join(", "));
    const detail = `${path} has ${allowed.join(", ")}, and not ${request.method}.`;
    throw new GatewayError("METHOD_NOT_ALLOWED", detail, { effect: "none" });
  };
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) refuse(request, reply).catch(done);
    else done();
  });
  app.setNotFoundHandler(refuse);
}
