import type { FastifyInstance } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** Who has sent it, as the proxy before the gateway has found out; "" where there is none. */
    principal: string;
    /** Who has sent it, as the log of commands is told: the principal, else the address that it came from. */
    sender: string;
  }
}

const maxLength = 200;

/**
 * Notes who has sent each request. `header` is the one in which a proxy that authenticates clients names them; without it nobody
 * is known, and whatever a client says of itself is not believed.
 */
export function notePrincipals(app: FastifyInstance, header: string | undefined): void {
  app.decorateRequest("principal", "");
  app.decorateRequest("sender", "");
  app.addHook("onRequest", (request, _reply, done) => {
    const named = header === undefined ? "" : [request.headers[header]].flat().join(",");
    request.principal = named.slice(0, maxLength);
    request.sender = request.principal || request.ip;
    done();
  });
}
