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

const exampleEvents = `retry: 1000\n\nid: 42\ndata: ${JSON.stringify({ commands: [exampleCommandView] })}\n\n`;

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

export const logEvents: Operation = {
  tag: "The gateway",
  summary: "The command log, as it grows",
  description:
    "Server-sent events, each with some commands as `GET /processors/{id}/log` tells them: those from `from` on (without " +
    "it only what comes), each that comes, and each once more when it has another outcome. Whoever connects again is told " +
    "of the latest twenty again. It does not end.",
  headers: ["LastEventId"],
  answers: {
    200: {
      description: "An event for what has come or has changed.",
      content: { "text/event-stream": { schema: Type.String(), example: exampleEvents } },
    },
  },
  problems: [400, 404, 422, 503],
};
