import { Type } from "typebox";
import { exampleCommand, exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { CommandState, Next, orNull, Text, Time, Whole } from "../../openapi/schemas.ts";

export const Logged = Type.Object({
  sequence: Whole,
  command: Text,
  method: Text,
  time: Time,
  sender: Type.Optional(
    Type.String({ description: "Who has sent it: the principal, or the address that it came from" }),
  ),
  deadline: Type.Optional(Time),
  outcome: orNull(CommandState),
});

export const LogPage = Type.Object({ commands: Type.Array(Logged), next: Next });

const exampleCommandView = {
  sequence: 42,
  command: exampleCommand,
  method: "Observe",
  time: exampleTime,
  outcome: "applied",
};

export const loggedCommand: Operation = {
  tag: "The gateway",
  summary: "One command of the log, with what it asks for",
  answers: {
    200: {
      description: "`request` is the request of its RPC, null where nobody can read it.",
      content: json(
        Type.Object({
          ...Logged.properties,
          bytes: Type.Integer({ description: "The size of the request" }),
          request: orNull(Type.Unsafe<unknown>({ type: ["object", "array"] })),
        }),
        { ...exampleCommandView, bytes: 12, request: { strings: ["a", "b"] } },
      ),
    },
  },
  problems: [400, 404, 422, 503],
};

export const commandLog: Operation = {
  tag: "The gateway",
  summary: "The command log",
  description:
    "What of it is kept: applied commands are trimmed in the end. One request looks at 20,000 commands, or 1,000 " +
    "where an outcome is asked for; `next` is where to go on, also where none of them was wanted.",
  answers: {
    200: {
      description: "Commands in sequence; `outcome` is null where it is not known any more.",
      content: json(LogPage, {
        commands: [exampleCommandView],
      }),
    },
  },
  problems: [400, 404, 422, 503],
};
