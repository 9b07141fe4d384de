import { Type } from "typebox";
import packageJson from "../../../../package.json" with { type: "json" };
import type { Operation } from "../../openapi/operation.ts";
import { Text } from "../../openapi/schemas.ts";

/** Where to go on from here. */
export const links = {
  console: "/console",
  docs: "/docs",
  openapi: "/openapi.json",
  processors: "/processors",
  ready: "/ready",
  metrics: "/metrics",
};

/** What programs are answered. */
export const Home = Type.Object({
  name: Type.Literal("KATO gateway"),
  version: Text,
  ready: Type.Boolean({ description: "Whether it can be used now, as /ready says" }),
  reason: Type.Optional(Type.String({ description: "Why it cannot be used" })),
  links: Type.Object(Object.fromEntries(Object.keys(links).map((name) => [name, Text]))),
});

export const home: Operation = {
  tag: "The gateway",
  summary: "What this is, and where to go on",
  description: "A page for a browser (`Accept: text/html`), and the same links in JSON for programs.",
  answers: {
    200: {
      description: "What this is, whether it can be used, and links.",
      content: {
        "application/json": {
          schema: Home,
          example: { name: "KATO gateway", version: packageJson.version, ready: true, links },
        },
        "text/html": { schema: Type.String() },
      },
    },
  },
  problems: [503],
};
