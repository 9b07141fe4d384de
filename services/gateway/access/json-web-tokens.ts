import { readFileSync, statSync } from "node:fs";
import type { JWTVerifyGetKey } from "jose";
import type { Log } from "../../../libs/nats/connection.ts";
import type { JwtSettings } from "./access-settings.ts";
import type { Grants } from "./grants.ts";
import { grantsProblem } from "./grants.ts";
import type { Principal } from "./principal.ts";

/** Says whose a token is. Rejects with an error whose message says why it is not accepted, for the log. */
export type TokenCheck = (token: string) => Promise<Principal>;

/** The issuer's keys cannot be fetched, so nobody can say whether a token is right. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

const maxRemembered = 1_000;
const clockToleranceSeconds = 30;
const lookAtFileEveryMs = 5_000;

interface Remembered {
  principal: Principal;
  /** Unix ms. */
  until: number;
}

/** How long a token is believed without being checked again, so that a key that is withdrawn is noticed. */
const rememberedMs = 60_000;

/**
 * Makes the check of JSON Web Tokens (RFC 7519, RFC 8725): signed by a key of the JWKS with one of the algorithms of
 * the settings, from the issuer, for the audience, not over, with a subject, and with grants in their claim.
 *
 * A signature costs as much as the rest of a request. So a token that was accepted is remembered for a minute, and
 * never for longer than it is valid.
 */
export async function tokenCheck(settings: JwtSettings, log: Log): Promise<TokenCheck> {
  const { issuer, audience, algorithms, grantsClaim } = settings;
  const { jwtVerify } = await import("jose");
  const keys = await keysOf(settings.jwks, log);
  const remembered = new Map<string, Remembered>();
  return async (token) => {
    const known = remembered.get(token);
    if (known && Date.now() < known.until) return known.principal;
    remembered.delete(token);
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp", "sub"],
    });
    const { sub, exp = 0, [grantsClaim]: grants } = payload;
    if (typeof sub !== "string" || sub === "") throw new Error("the token has no subject");
    const problem = grantsProblem(grants);
    if (problem !== undefined) throw new Error(`the claim ${grantsClaim} is wrong: ${problem}`);
    const principal: Principal = { id: `jwt:${sub}`, name: sub, grants: grants as Grants };
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(token, { principal, until: Math.min(exp * 1_000, Date.now() + rememberedMs) });
    return principal;
  };
}

/**
 * The keys at a URL, fetched again as they expire and where a token names one that is not known. Or those in a file,
 * which is read again when it has changed; while it cannot be read, the keys of before count.
 */
async function keysOf(jwks: string, log: Log): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet, createLocalJWKSet, errors } = await import("jose");
  if (/^https?:\/\//.test(jwks)) {
    const remote = createRemoteJWKSet(new URL(jwks));
    return (...args) =>
      remote(...args).catch((error: unknown) => {
        throw error instanceof errors.JWKSNoMatchingKey
          ? error
          : new KeysUnavailable(String(error), { cause: error });
      });
  }
  const read = () => createLocalJWKSet(JSON.parse(readFileSync(jwks, "utf8")));
  let keys = read();
  let [changedAtMs, lookedAtMs] = [statSync(jwks).mtimeMs, performance.now()];
  const look = () => {
    try {
      const { mtimeMs } = statSync(jwks);
      if (mtimeMs === changedAtMs) return;
      keys = read();
      changedAtMs = mtimeMs;
      log.info({ file: jwks }, "the keys of tokens were read anew");
    } catch (err) {
      log.warn({ err, file: jwks }, "the keys of tokens cannot be read, those of before count");
    }
  };
  return async (...args) => {
    if (performance.now() - lookedAtMs >= lookAtFileEveryMs) {
      lookedAtMs = performance.now();
      look();
    }
    return keys(...args);
  };
}
