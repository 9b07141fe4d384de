import { Type } from "typebox";
import type { Operation } from "../../openapi/operation.ts";

const unchanged = { description: "It is as the client has it (`If-None-Match`)." };

export const page: Operation = {
  tag: "The gateway",
  summary: "The console: a page to see and drive processors with",
  description:
    "For browsers. The page is for everybody; what it shows needs a key, where the gateway asks for one.",
  answers: {
    200: { description: "The page.", content: { "text/html": { schema: Type.String() } } },
    304: unchanged,
  },
  problems: [503],
};

export const file: Operation = {
  tag: "The gateway",
  summary: "A file of the console",
  answers: {
    200: {
      description: "A module, the style sheet or the icon.",
      content: {
        "text/javascript": { schema: Type.String() },
        "text/css": { schema: Type.String() },
        "image/svg+xml": { schema: Type.String() },
      },
    },
    304: unchanged,
  },
  problems: [404, 503],
};
