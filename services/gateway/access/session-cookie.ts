import type { FastifyReply, FastifyRequest } from "fastify";

export const cookieName = "kato_session";

/** A header that a page of another origin cannot set without being asked for. */
export const consoleHeader = "kato-console";

/** The key in the cookie of a login; undefined if there is none. */
export function keyOfCookie({ headers }: Pick<FastifyRequest, "headers">): string | undefined {
  if (headers.cookie === undefined) return undefined;
  for (const cookie of headers.cookie.split(";")) {
    const [name, value] = cookie.trim().split("=");
    if (name === cookieName) return value;
  }
  return undefined;
}

/**
 * Sets the cookie of a login. Scripts cannot read it, no other site has it sent, and no unencrypted connection
 * gets it where this one is encrypted. An empty key takes it away.
 */
export function setSessionCookie(reply: FastifyReply, key: string, maxAgeSeconds: number): void {
  const secure = reply.request.protocol === "https" ? "; Secure" : "";
  const rules = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
  reply.header("set-cookie", `${cookieName}=${key}; ${rules}`);
}
