import { Type } from "typebox";
import { exampleCommand, exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { CommandState, Next, orNull, Text, Time, Whole } from "../../openapi/schemas.ts";

export const LogPage = Type.Object({
  commands: Type.Array(
    Type.Object({
      sequence: Whole,
      command: Text,
      method: Text,
      time: Time,
      sender: Type.Optional(
        Type.String({ description: "Who has sent it: the principal, or the address that it came from" }),
      ),
      deadline: Type.Optional(Time),
      outcome: orNull(CommandState),
    }),
  ),
  next: Next,
});

export const commandLog: Operation = {
  tag: "The gateway",
  summary: "The command log",
  description: "What of it is kept: applied commands are trimmed in the end.",
  answers: {
    200: {
      description: "Commands in sequence; `outcome` is null where it is not known any more.",
      content: json(LogPage, {
        commands: [
          { sequence: 42, command: exampleCommand, method: "Observe", time: exampleTime, outcome: "applied" },
        ],
      }),
    },
  },
  problems: [400, 404, 422, 503],
};
