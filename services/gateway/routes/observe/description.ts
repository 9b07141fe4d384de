import { Type } from "typebox";
import { exampleUniqueId } from "../../openapi/examples.ts";
import { command } from "../../openapi/operation.ts";
import { Observed } from "../../openapi/schemas.ts";

export const observe = command(
  {
    summary: "Observe an event",
    description:
      "Symbols, vectors and emotives that belong together, each of which may be missing. A field that is " +
      "not known is a 422 that names it.",
    message: Observed,
    example: { status: "observed", auto_learned_model: "" },
    body: {
      symbols: { strings: ["b", "a"] },
      "vectors and emotives": { vectors: [[1, 0.5, -2]], emotives: { joy: 0.5 }, unique_id: "frame-17" },
      "under data": { data: { strings: ["c"] } },
    },
  },
  { schemas: { unique_id: Type.String() }, examples: { unique_id: exampleUniqueId } },
);
