import type { FastifyInstance } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** The client's name, as the proxy before the gateway has authenticated it; "" without such a proxy. */
    principal: string;
    /** What the command log keeps of the client: its principal, or its address where there is none. */
    sender: string;
  }
}

const maxLength = 200;

/**
 * Sets `principal` and `sender` of every request. `header` is the one in which an authenticating proxy names
 * the client. Without it no principal is known, because a client must not name itself.
 */
export function readPrincipals(app: FastifyInstance, header: string | undefined): void {
  app.decorateRequest("principal", "");
  app.decorateRequest("sender", "");
  app.addHook("onRequest", (request, _reply, done) => {
    const named = header === undefined ? "" : [request.headers[header]].flat().join(",");
    request.principal = named.slice(0, maxLength);
    request.sender = request.principal || request.ip;
    done();
  });
}
