import type { FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { AccessSettings } from "./access-settings.ts";
import { hashOf, isSameHash, parseApiKey } from "./api-key.ts";
import { certificateNames } from "./certificates.ts";
import { allGrants } from "./grants.ts";
import type { TokenCheck } from "./json-web-tokens.ts";
import { KeysUnavailable } from "./json-web-tokens.ts";
import type { KeyStore } from "./key-store.ts";
import type { Principal } from "./principal.ts";
import { anybody } from "./principal.ts";
import { keyOfCookie } from "./session-cookie.ts";

/** A request that says who sends it in a way that is not accepted, or not at all. */
export class Unauthenticated extends Error {
  override readonly name = "Unauthenticated";
}

/** What says who somebody is. */
export interface Authenticator {
  settings: AccessSettings;
  /** Undefined until NATS was reached. */
  keys: () => KeyStore | undefined;
  /** Undefined unless tokens are accepted. */
  checkToken: TokenCheck | undefined;
}

const maxNameLength = 200;
const prefixes = /^(key|jwt|cert):/;

/**
 * Says who has sent a request. The first way counts that the request takes: its `Authorization`, its login, its
 * certificate, its proxy. What it says there and is not right is not made up for by another way.
 *
 * Throws Unauthenticated, whose message is for the log only: a client is not told which part was wrong. Throws
 * AUTH_UNAVAILABLE if nobody can say now whether they count.
 */
export function authenticate(auth: Authenticator, request: FastifyRequest): Principal | Promise<Principal> {
  const { settings } = auth;
  const { methods, proxy } = settings;
  if (methods.size > 0) {
    const { authorization } = request.headers;
    if (authorization !== undefined) return ofAuthorization(auth, authorization);
    const cookie = methods.has("keys") ? keyOfCookie(request) : undefined;
    if (cookie !== undefined) return authenticateKey(auth, cookie);
    const principal = methods.has("mtls") ? ofCertificate(settings, request) : undefined;
    if (principal) return principal;
  }
  if (proxy) return ofProxy(settings, proxy, request);
  if (methods.size > 0) throw new Unauthenticated("the request has no credentials");
  return anybody;
}

function ofAuthorization(auth: Authenticator, authorization: string): Principal | Promise<Principal> {
  const [, credential = ""] = /^Bearer +([^ ]+) *$/i.exec(authorization) ?? [];
  if (credential === "") throw new Unauthenticated("Authorization is not Bearer");
  if (auth.settings.methods.has("keys") && credential.startsWith("kato_"))
    return authenticateKey(auth, credential);
  if (!auth.checkToken) throw new Unauthenticated("the credential is of a kind that is not accepted");
  return auth.checkToken(credential).catch((error: unknown) => {
    if (error instanceof KeysUnavailable)
      throw authUnavailable("The issuer's keys cannot be fetched.", error);
    throw new Unauthenticated(`token: ${error instanceof Error ? error.message : error}`);
  });
}

function authUnavailable(detail: string, cause?: unknown): GatewayError {
  return new GatewayError("AUTH_UNAVAILABLE", detail, { effect: "none", retryAfterSeconds: 1 }, { cause });
}

/** Whose key it is. Throws as `authenticate` does. */
export function authenticateKey({ settings, keys: keyStore }: Authenticator, text: string): Principal {
  const key = parseApiKey(text);
  if (!key) throw new Unauthenticated("the key is malformed");
  const hash = hashOf(key);
  const ofFile = settings.fileKeys.find((each) => each.id === key.id && isSameHash(hashOf(each), hash));
  if (ofFile) return { id: `key:${key.id}`, name: key.id, grants: ofFile.grants };
  const keys = keyStore();
  const record = keys?.find(key);
  const unconfirmedMs = keys?.unconfirmedMs ?? Number.POSITIVE_INFINITY;
  const isBelieved = unconfirmedMs <= settings.keysUnconfirmedMs;
  const isLoginOver = record?.login_of !== undefined && !isThere(settings, keys, record.login_of);
  if (keys && record && isBelieved && !isLoginOver) {
    keys.noteUse(record);
    return { id: `key:${record.login_of ?? record.id}`, name: record.name, grants: record.grants };
  }
  // It may have been made since.
  if (unconfirmedMs === 0) throw new Unauthenticated(`the key ${key.id} is unknown, revoked or over`);
  throw authUnavailable("NATS cannot be reached, so keys cannot be checked.");
}

function isThere({ fileKeys }: AccessSettings, keys: KeyStore | undefined, id: string): boolean {
  return keys?.get(id) !== undefined || fileKeys.some((key) => key.id === id);
}

/** Undefined without a certificate, and with that of a proxy, which speaks for its clients. */
function ofCertificate(
  { grantsByName, proxy }: AccessSettings,
  { raw }: FastifyRequest,
): Principal | undefined {
  const names = certificateNames(raw.socket);
  if (names.length === 0 || names.some((name) => proxy?.certificates.has(name))) return undefined;
  for (const name of names) {
    const grants = grantsByName?.get(name);
    if (grants) return { id: `cert:${name}`, name, grants };
  }
  throw new Unauthenticated(`GRANTS_FILE has no name of the certificate: ${names.join(", ")}`);
}

function ofProxy(
  { grantsByName }: AccessSettings,
  { header, addresses, certificates }: NonNullable<AccessSettings["proxy"]>,
  { headers, raw }: FastifyRequest,
): Principal {
  const isProxy =
    addresses.has(raw.socket.remoteAddress ?? "") ||
    (certificates.size > 0 && certificateNames(raw.socket).some((name) => certificates.has(name)));
  if (!isProxy) throw new Unauthenticated("the request has no credentials, and comes from no proxy");
  const name = [headers[header] ?? ""].flat().join(",").trim();
  if (name === "") throw new Unauthenticated(`the proxy has not set ${header}`);
  if (name.length > maxNameLength)
    throw new Unauthenticated(`${header} has more than ${maxNameLength} characters`);
  if (prefixes.test(name))
    throw new Unauthenticated(`${header} has a name that looks like another principal's`);
  // Without a list the proxy decides what its clients may do.
  const grants = grantsByName ? grantsByName.get(name) : allGrants;
  if (!grants) throw new Unauthenticated(`GRANTS_FILE has no "${name}"`);
  return { id: name, name, grants };
}
