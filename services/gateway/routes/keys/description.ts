import { Type } from "typebox";
import { GrantsSchema } from "../../access/grants.ts";
import { exampleTime } from "../../openapi/examples.ts";
import type { Operation } from "../../openapi/operation.ts";
import { done, json } from "../../openapi/operation.ts";
import { orNull, Text, Time } from "../../openapi/schemas.ts";

export const Key = Type.Object({
  id: Text,
  name: Text,
  grants: GrantsSchema,
  created_at: Time,
  created_by: Type.String({ description: "The principal that has made it" }),
  expires_at: orNull(Time),
  last_used_at: orNull(Type.String({ format: "date-time", description: "To the hour" })),
});
const secret = {
  key: Type.String({ description: "The key itself. It is shown this once, and kept nowhere" }),
};

const exampleKey = {
  id: "h7k2m9qrtx",
  name: "ingest",
  grants: { processors: ["p46*"], scope: "write" },
  created_at: exampleTime,
  created_by: "key:admin",
  expires_at: null,
  last_used_at: null,
};
const exampleSecret = { key: "kato_h7k2m9qrtx_kQ0Wb1yKf0cJ3nS5rU8vX1zA4dG7jM0pS3vY6bE9hK2" };

export const make: Operation = {
  tag: "Access",
  summary: "Make a key",
  description: "The key is shown in this answer only. It is sent as `Authorization: Bearer`.",
  body: {
    "application/json": {
      examples: { "for some processors": { name: "ingest", grants: exampleKey.grants } },
    },
  },
  answers: {
    201: {
      description: "It is made, and counts on every gateway in a moment.",
      content: json(Type.Object({ ...Key.properties, ...secret }), { ...exampleKey, ...exampleSecret }),
    },
  },
  problems: [409, 503],
};

export const list: Operation = {
  tag: "Access",
  summary: "All keys, without their secrets",
  answers: {
    200: {
      description: "A page of them, sorted by id.",
      content: json(Type.Object({ keys: Type.Array(Key), next: Type.Optional(Text) }), {
        keys: [exampleKey],
      }),
    },
  },
  problems: [503],
};

export const revoke: Operation = {
  tag: "Access",
  summary: "Revoke a key",
  description: "It counts nowhere any more in a moment, nor do the logins that were made with it.",
  answers: { 200: done("It is revoked.", "revoked") },
  problems: [404, 503],
};

export const rotate: Operation = {
  tag: "Access",
  summary: "Give a key a new secret",
  description:
    "The secret of before counts for a day, or as long as is asked for. One from before that ends now.",
  body: {
    "application/json": {
      examples: { "for a day": {}, "for longer": { previous_expires_at: "2030-12-31T00:00:00.000Z" } },
    },
  },
  answers: {
    200: {
      description: "The new secret.",
      content: json(Type.Object({ ...Key.properties, ...secret, previous_expires_at: Time }), {
        ...exampleKey,
        ...exampleSecret,
        previous_expires_at: exampleTime,
      }),
    },
  },
  problems: [404, 503],
};
