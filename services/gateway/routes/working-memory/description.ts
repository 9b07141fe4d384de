import { Type } from "typebox";
import { exampleModel } from "../../openapi/examples.ts";
import { command, plainCommand, query } from "../../openapi/operation.ts";
import { Events } from "../../openapi/schemas.ts";

export const learn = command({
  summary: "Learn working memory as a model",
  description: "Working memory is empty afterwards.",
  message: Type.String({ description: "The model's name, empty when there was nothing to learn" }),
  example: exampleModel,
});

export const read = query({
  summary: "Working memory",
  message: Events,
  example: [["a", "b"], ["c"]],
});

export const clear = plainCommand(
  "Clear working memory",
  "wm-cleared",
  "Predictions, emotives and percept data go too; models, genes and `interval` stay.",
);

export const clearAll = plainCommand(
  "Clear everything that was learned",
  "all-cleared",
  "Models, vectors and working memory are gone, and `interval` counts from 0. Genes stay.",
);
