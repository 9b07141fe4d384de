import { Type } from "typebox";
import { exampleProcessor } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { orNull, Text } from "../../openapi/schemas.ts";

const gene = orNull(Type.Number());

export const Genome = Type.Object({
  status: Type.Literal("okay"),
  connection: Type.Literal("okay"),
  genie: Text,
  genome: Type.Object({
    id: Type.Optional(Type.String({ description: "Of the processor, where there is only one" })),
    agent: Text,
    description: Text,
    elements: Type.Object({
      nodes: Type.Array(
        Type.Object({
          data: Type.Object({
            name: Text,
            id: Text,
            classifier: Type.Literal("CVC"),
            search_depth: Type.Literal(10),
            max_predictions: gene,
            recall_threshold: gene,
            persistence: gene,
          }),
        }),
      ),
    }),
  }),
});

const exampleNode = {
  name: "P1",
  id: exampleProcessor,
  classifier: "CVC",
  search_depth: 10,
  max_predictions: 100,
  recall_threshold: 0.1,
  persistence: 5,
};

export const genome: Operation = {
  tag: "The gateway",
  summary: "The genome: every processor with its genes",
  description:
    "A gene that cannot be asked for is null. `classifier` and `search_depth` are fixed values, the same " +
    "for every processor.",
  answers: {
    200: {
      description: "The genome.",
      content: json(Genome, {
        status: "okay",
        connection: "okay",
        genie: "kato-gateway",
        genome: {
          agent: "kato-gateway",
          description: "The processors behind this gateway.",
          elements: { nodes: [{ data: exampleNode }] },
        },
      }),
    },
  },
  problems: [503],
};
