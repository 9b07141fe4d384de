import { Type } from "typebox";
import { exampleProcessor, exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { Next, Text, Time, Whole } from "../../openapi/schemas.ts";

export const AuditEntry = Type.Object({
  sequence: Type.Integer({ description: "Its place in the trail" }),
  time: Time,
  action: Type.String({ description: "What was done: `processor.moved`, `key.revoked`, `refused` …" }),
  principal: Type.String({ description: "Who; empty on a gateway that asks nobody who they are" }),
  name: Text,
  address: Text,
  request: Type.String({ description: "The request, as the gateway's log names it" }),
  method: Text,
  path: Text,
  status: Whole,
  processor: Type.Optional(Text),
  detail: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({ type: "object", description: "What was changed" }),
  ),
});

export const audit: Operation = {
  tag: "Access",
  summary: "Who has changed what, and who was refused",
  description: "The newest entries, or those from the sequence `from` on, in their order.",
  answers: {
    200: {
      description: "A page of the audit trail.",
      content: json(Type.Object({ entries: Type.Array(AuditEntry), next: Next }), {
        entries: [
          {
            sequence: 17,
            time: exampleTime,
            action: "processor.paused",
            principal: "key:h7k2m9qrtx",
            name: "operations",
            address: "10.0.0.7",
            request: "x7Qk2mZr5TnV8bYc1WdE0g",
            method: "POST",
            path: `/processors/${exampleProcessor}/pause`,
            status: 200,
            processor: exampleProcessor,
          },
        ],
      }),
    },
  },
  problems: [503],
};
