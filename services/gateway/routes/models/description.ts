import { Type } from "typebox";
import { exampleModel } from "../../openapi/examples.ts";
import { command, plainCommand, query } from "../../openapi/operation.ts";
import { Emotives, Events, ModelName } from "../../openapi/schemas.ts";

export const Model = Type.Object({
  name: ModelName,
  frequency: Type.Integer({ description: "How often it was learned" }),
  length: Type.Integer({ description: "How many symbols it has" }),
  sequence: Events,
  emotives: Type.Union([Type.Array(Emotives), Emotives]),
});

export const readModel = query({
  summary: "A model",
  message: Model,
  example: { name: exampleModel, frequency: 1, length: 3, sequence: [["a", "b"], ["c"]], emotives: {} },
});

export const deleteModel = plainCommand("Delete a model", "deleted");

export const changeModel = command({
  summary: "Change a model",
  description: "KATO's UpdateModel, which this version of KATO always fails at: a 501.",
  message: Type.String(),
  example: "",
  body: { frequency: { frequency: 3, emotives: [{ joy: 0.5 }] } },
});

export const readVector = query({
  summary: "A vector that was learned",
  message: Type.Array(Type.Number()),
  example: [1, 0.5, -2],
});
