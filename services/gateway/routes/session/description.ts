import { Type } from "typebox";
import { GrantsSchema } from "../../access/grants.ts";
import { exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { json } from "../../openapi/operation.ts";
import { Text, Time } from "../../openapi/schemas.ts";

export const Session = Type.Object({
  principal: Type.String({
    description: "`key:<id>`, `jwt:<subject>`, `cert:<name>`, or what the proxy calls it",
  }),
  name: Text,
  grants: GrantsSchema,
});
const exampleSession = {
  principal: "key:h7k2m9qrtx",
  name: "ingest",
  grants: { processors: ["p46*"], scope: "write" },
};
const exampleKey = "kato_h7k2m9qrtx_kQ0Wb1yKf0cJ3nS5rU8vX1zA4dG7jM0pS3vY6bE9hK2";

export const read: Operation = {
  tag: "Access",
  summary: "Who the gateway takes you for, and what you may do",
  answers: { 200: { description: "Your principal and its grants.", content: json(Session, exampleSession) } },
  problems: [503],
};

export const login: Operation = {
  tag: "Access",
  summary: "Log in with a browser",
  description:
    "Exchanges a key for a cookie that scripts cannot read. It counts for 12 hours, and no longer than the key. " +
    "With it, a request that changes something needs the header `Kato-Console`.",
  body: { "application/json": { examples: { "a key": { key: exampleKey } } } },
  answers: {
    200: {
      description: "The cookie is set.",
      content: json(Type.Object({ ...Session.properties, expires_at: Time }), {
        ...exampleSession,
        expires_at: exampleTime,
      }),
    },
  },
  problems: [401, 409, 503],
};

export const logout: Operation = {
  tag: "Access",
  summary: "Log out",
  answers: { 204: { description: "The cookie is taken away, and counts nowhere any more." } },
  problems: [503],
};
