import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { hashOf, isKeyId, newApiKey, newKeyId } from "../../access/api-key.ts";
import type { Grants } from "../../access/grants.ts";
import { GrantsSchema, grantsProblem } from "../../access/grants.ts";
import type { KeyRecord } from "../../access/key-store.ts";
import { maxKeys } from "../../access/key-store.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import { IdPageQuery, idPageOf } from "../../http/paging.ts";
import { invalid } from "../../http/problem.ts";
import * as described from "./description.ts";

export const KeyBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128, description: "What people call it" }),
  grants: GrantsSchema,
  expires_at: Type.Optional(
    Type.String({ description: "ISO 8601; without it the key does not end by itself" }),
  ),
});

const RotateBody = Type.Object({
  previous_expires_at: Type.Optional(
    Type.String({
      description: "ISO 8601: until when the secret of before counts; a day from now without it",
    }),
  ),
});

const KeyParams = Type.Object({ key: Type.String({ description: "The key's id" }) });

const dayMs = 86_400_000;

/** Making, listing, rotating and revoking keys. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  const access = { scope: "admin", allProcessors: true } as const;

  app.post(
    "/keys",
    { schema: { body: KeyBody }, config: { operation: described.make, ...access, audit: "key.made" } },
    async (request, reply) => {
      const backend = options.backend();
      const { name, grants, expires_at } = request.body;
      const problem = grantsProblem(grants);
      if (problem !== undefined) invalid("grants", problem);
      if (backend.keys.isFull) {
        throw new GatewayError("KEYS_FULL", `There are ${maxKeys} keys, and no more may be.`, {
          effect: "none",
        });
      }
      const key = newApiKey(newKeyId());
      const created_at = new Date().toISOString();
      const record: KeyRecord = {
        id: key.id,
        name,
        grants: grants as Grants,
        created_at,
        created_by: request.principal.id,
        expires_at: futureTime("expires_at", expires_at) ?? null,
        last_used_at: null,
        secrets: [{ hash: hashOf(key), created_at, expires_at: null }],
      };
      await withNats(backend, "", () => backend.keys.add(record));
      request.auditDetail = { key: key.id, name, grants };
      reply.code(201);
      return { ...keyView(record), key: key.text };
    },
  );

  app.get(
    "/keys",
    { schema: { querystring: IdPageQuery }, config: { operation: described.list, ...access } },
    async ({ query }) => {
      const { shown, next } = idPageOf(query, options.backend().keys.list());
      return { keys: shown.map(keyView), ...next };
    },
  );

  app.delete(
    "/keys/:key",
    {
      schema: { params: KeyParams },
      config: { operation: described.revoke, ...access, audit: "key.revoked" },
    },
    async (request) => {
      const backend = options.backend();
      const { key } = request.params;
      if (!isKeyId(key)) throw keyNotFound(key);
      request.auditDetail = { key, name: backend.keys.get(key)?.name };
      const wasThere = await withNats(backend, "", () => backend.keys.remove(key));
      if (!wasThere) throw keyNotFound(key);
      return { id: key, time_stamp: Date.now() / 1_000, status: "okay", message: "revoked" };
    },
  );

  app.post(
    "/keys/:key/rotate",
    {
      schema: { params: KeyParams, body: RotateBody },
      config: { operation: described.rotate, ...access, audit: "key.rotated" },
    },
    async (request) => {
      const backend = options.backend();
      const { key: id } = request.params;
      if (!isKeyId(id)) throw keyNotFound(id);
      const asked = futureTime("previous_expires_at", request.body.previous_expires_at);
      const expires_at = asked ?? new Date(Date.now() + dayMs).toISOString();
      const key = newApiKey(id);
      const secret = { hash: hashOf(key), created_at: new Date().toISOString(), expires_at: null };
      const record = await withNats(backend, "", () =>
        backend.keys.change(id, (known) => {
          const [newest] = known.secrets;
          return { ...known, secrets: newest ? [secret, { ...newest, expires_at }] : [secret] };
        }),
      );
      if (!record) throw keyNotFound(id);
      request.auditDetail = { key: id, name: record.name, previous_expires_at: expires_at };
      return { ...keyView(record), key: key.text, previous_expires_at: expires_at };
    },
  );
};

/** A key as it is shown: without anything of its secret. */
function keyView({ id, name, grants, created_at, created_by, expires_at, last_used_at }: KeyRecord) {
  return { id, name, grants, created_at, created_by, expires_at, last_used_at };
}

function futureTime(field: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!(time > Date.now())) invalid(field, "must be a time to come, in ISO 8601: 2030-12-31T00:00:00Z");
  return new Date(time).toISOString();
}

function keyNotFound(id: string): GatewayError {
  return new GatewayError("KEY_NOT_FOUND", `There is no key ${id}.`, { effect: "none" });
}

export default routes;
