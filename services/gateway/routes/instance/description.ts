import { Type } from "typebox";
import { exampleModel } from "../../openapi/examples.ts";
import { command, plainCommand, query } from "../../openapi/operation.ts";
import { Emotives, orNull, Text, Whole } from "../../openapi/schemas.ts";

export const Status = Type.Object(
  {
    name: Text,
    time: Whole,
    num_observe_call: Whole,
    size_WM: Type.Integer({ description: "Symbols in working memory" }),
    SLEEPING: Type.Boolean(),
    PREDICT: Type.Boolean(),
    AUTOLEARN: Type.Boolean(),
    emotives: Emotives,
    target: orNull(Text),
    vectors_kb: Text,
    models_kb: Text,
    last_command: Text,
    last_learned_model_name: Text,
  },
  { description: "As KATO gives it, `time` and `num_observe_call` going on over a restart" },
);

export const ping = query({
  summary: "Ask the instance whether it is there",
  message: Text,
  example: "okay",
});

export const name = query({ summary: "Name of the instance", message: Text, example: "P1" });

export const time = query({
  summary: "How many observations there were",
  message: Type.Integer(),
  example: 7,
});

export const status = query({
  summary: "Status of the instance",
  message: Status,
  example: {
    name: "P1",
    time: 7,
    num_observe_call: 7,
    size_WM: 3,
    SLEEPING: false,
    PREDICT: true,
    AUTOLEARN: false,
    emotives: {},
    target: null,
    vectors_kb: "{KB| objects: 0}",
    models_kb: "{KB| objects: 1}",
    last_command: "",
    last_learned_model_name: exampleModel,
  },
});

export const sleep = plainCommand(
  "Put it to sleep",
  "asleep",
  "Clears working memory, predictions and emotives.",
);

export const wake = plainCommand("Wake it", "awake");

export const startPredicting = plainCommand("Have observations predict", "activated-predictions");

export const stopPredicting = plainCommand(
  "Have observations not predict",
  "deactivated-predictions",
  "Until then there are no predictions.",
);

export const setTargetClass = command({
  summary: "Set the target class",
  description: "KATO's TargetClass, which this version of KATO always fails at: a 501.",
  message: Text,
  example: "",
  body: { "a class": { target_class: "cat" } },
});

export const unsetTargetClass = plainCommand(
  "Unset the target class",
  "",
  "KATO's TargetClear, which this version of KATO always fails at: a 501.",
);
