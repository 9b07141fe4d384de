import type { FastifyInstance } from "fastify";

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
