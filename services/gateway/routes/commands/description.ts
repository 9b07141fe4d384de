import { Type } from "typebox";
import {
  exampleCommand,
  exampleModel,
  exampleProcessor,
  exampleUnixSeconds,
} from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { CommandState, Text, Whole } from "../../openapi/schemas.ts";

export const Command = Type.Object({
  id: Text,
  time_stamp: Type.Number(),
  status: Type.Literal("okay"),
  command: Text,
  method: Type.String({ description: "The RPC" }),
  state: CommandState,
  sequence: Type.Optional(Whole),
  interval: Type.Optional(Whole),
  response: Type.Optional(
    Type.Unknown({ description: "What the route would have answered: its message, or its problem" }),
  ),
});

export const readCommand: Operation = {
  tag: "One processor",
  summary: "What became of a command",
  description:
    "Known for 24 hours, of a command that was not waited for, or not to the end, or did not simply succeed.",
  answers: {
    200: {
      description: "How it stands.",
      headers: ["Kato-Sequence", "Kato-Command"],
      content: json(Command, {
        id: exampleProcessor,
        time_stamp: exampleUnixSeconds,
        status: "okay",
        command: exampleCommand,
        method: "Learn",
        state: "applied",
        sequence: 42,
        interval: 7,
        response: exampleModel,
      }),
    },
  },
  problems: [400, 404, 503],
};
