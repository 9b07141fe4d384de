import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { hashOf, newApiKey, newKeyId, parseApiKey } from "../../access/api-key.ts";
import { authenticateKey, Unauthenticated } from "../../access/authenticate.ts";
import type { Principal } from "../../access/principal.ts";
import { keyOfCookie, setSessionCookie } from "../../access/session-cookie.ts";
import type { RouteOptions } from "../../fleet/backend.ts";
import { withNats } from "../../fleet/errors.ts";
import * as described from "./description.ts";

const LoginBody = Type.Object({ key: Type.String({ description: "A key, as POST /keys has shown it" }) });

const loginMs = 12 * 3_600_000;

/** Who a client is, and logging in with a browser. */
const routes: FastifyPluginAsyncTypebox<RouteOptions> = async (app, options) => {
  app.get(
    "/session",
    { config: { operation: described.read, scope: "read", discovery: true } },
    async ({ principal }) => principalView(principal),
  );

  app.post(
    "/session",
    { schema: { body: LoginBody }, config: { operation: described.login, scope: "none", audit: "login" } },
    async (request, reply) => {
      const backend = options.backend();
      request.principal = loginPrincipal(options, request.body.key, request);
      const { id, name, grants } = request.principal;
      await withNats(backend, "", () => backend.keys.removeOldLogins());
      if (backend.keys.isFull)
        throw new GatewayError("KEYS_FULL", "There are too many logins.", { effect: "none" });
      const key = newApiKey(newKeyId());
      const created_at = new Date().toISOString();
      const login_of = id.slice("key:".length);
      const keyExpiresAt = backend.keys.get(login_of)?.expires_at ?? null;
      const endsAt = Math.min(
        Date.now() + loginMs,
        keyExpiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(keyExpiresAt),
      );
      const expires_at = new Date(endsAt).toISOString();
      await withNats(backend, "", () =>
        backend.keys.add({
          id: key.id,
          name,
          grants,
          created_at,
          created_by: id,
          expires_at,
          last_used_at: null,
          secrets: [{ hash: hashOf(key), created_at, expires_at: null }],
          login_of,
        }),
      );
      setSessionCookie(reply, key.text, Math.floor((endsAt - Date.now()) / 1_000));
      return { ...principalView(request.principal), expires_at };
    },
  );

  app.delete(
    "/session",
    { config: { operation: described.logout, scope: "none" } },
    async (request, reply) => {
      const key = parseApiKey(keyOfCookie(request) ?? "");
      const backend = options.backend();
      const login = key && backend.keys.find(key);
      if (login?.login_of !== undefined) await withNats(backend, "", () => backend.keys.remove(login.id));
      setSessionCookie(reply, "", 0);
      return reply.code(204).send();
    },
  );
};

/** Whose key it is. Throws UNAUTHENTICATED. */
function loginPrincipal({ auth }: RouteOptions, key: string, { log, id, ip }: FastifyRequest): Principal {
  try {
    return authenticateKey(auth, key);
  } catch (error) {
    if (!(error instanceof Unauthenticated)) throw error;
    log.info({ request: id, address: ip, reason: error.message }, "not authenticated");
    throw new GatewayError("UNAUTHENTICATED", "This key does not count.", { effect: "none" });
  }
}

function principalView({ id: principal, name, grants }: Principal) {
  return { principal, name, grants };
}

export default routes;
