import type { Environment } from "../../../libs/config/environment.ts";
import type { FileKey } from "./access-files.ts";
import { checkJwks, readAdminKeys, readGrantsFile, readProgramKeys } from "./access-files.ts";
import type { AddressList } from "./address-list.ts";
import { addressList, loopback } from "./address-list.ts";
import type { Grants } from "./grants.ts";

/** How clients say who they are. */
const methods = ["keys", "jwt", "mtls"] as const;
export type AuthMethod = (typeof methods)[number];

/** Who may use the gateway, and how they prove it. */
export interface AccessSettings {
  /** Empty for a gateway that asks nobody. */
  methods: ReadonlySet<AuthMethod>;
  /** Keys that are in no bucket but in files: those that may do everything, and those of programs. */
  fileKeys: FileKey[];
  /** For how long keys are accepted that NATS cannot confirm. */
  keysUnconfirmedMs: number;
  jwt: JwtSettings | undefined;
  /** What the owners of certificates, and the clients of a proxy, may do, by their names. */
  grantsByName: ReadonlyMap<string, Grants> | undefined;
  proxy: ProxySettings | undefined;
  /** Hosts that requests may name, in lower case and without ports; undefined for any. */
  hosts: ReadonlySet<string> | undefined;
  /** The origins whose pages may use the API in a browser; `*` for all. */
  origins: readonly string[];
  /** Whose addresses may read the metrics without a key. */
  metricsReaders: AddressList;
  /** How much one principal may ask for; 0 for any number. */
  perPrincipal: { requestsPerSecond: number; observations: number };
  /** For how many days the audit trail is kept. */
  auditDays: number;
}

export interface JwtSettings {
  /** A URL, or the path of a file. */
  jwks: string;
  issuer: string;
  audience: string[];
  algorithms: string[];
  /** The claim that has the grants. */
  grantsClaim: string;
}

export interface ProxySettings {
  /** The header in which the proxy names the client, in lower case. */
  header: string;
  addresses: AddressList;
  /** Names of certificates that prove the proxy, as it connects by TLS. */
  certificates: ReadonlySet<string>;
}

/** A gateway that asks nobody, as on a loopback address. */
export const openAccess: AccessSettings = {
  methods: new Set(),
  fileKeys: [],
  keysUnconfirmedMs: 300_000,
  jwt: undefined,
  grantsByName: undefined,
  proxy: undefined,
  hosts: undefined,
  origins: [],
  metricsReaders: addressList([], () => {}),
  perPrincipal: { requestsPerSecond: 0, observations: 0 },
  auditDays: 90,
};

/** Only with keys that sign: with a shared secret whoever can check a token could make one. */
const signatures = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const loopbackHosts = ["localhost", "127.0.0.1", "[::1]", "::1"];

/** Reads the settings of access. `host` is what the gateway listens on. Wrong ones are noted in `environment`. */
export function accessSettings(
  environment: Environment,
  { host, origins }: { host: string; origins: readonly string[] },
): AccessSettings {
  const isLoopback = loopbackHosts.includes(host) || loopback.has(host);
  const chosen = authMethods(environment, host, isLoopback);
  const grantsByName = readGrantsFile(environment);
  const hosts = environment.list("GATEWAY_HOSTS", isLoopback ? [...loopbackHosts, host].join(",") : "");
  const count = { min: 0, max: Number.MAX_SAFE_INTEGER };
  if (chosen.has("mtls") && !grantsByName) {
    environment.problem(
      "GRANTS_FILE",
      "is needed for GATEWAY_AUTH=mtls: it says what each certificate may do",
    );
  }
  if (chosen.has("mtls") && environment.text("GATEWAY_TLS_CLIENT_CA_FILE", "") === "") {
    environment.problem("GATEWAY_TLS_CLIENT_CA_FILE", "is needed for GATEWAY_AUTH=mtls");
  }
  return {
    methods: chosen,
    fileKeys: chosen.has("keys") ? [...readAdminKeys(environment), ...readProgramKeys(environment)] : [],
    keysUnconfirmedMs: environment.integer("KEYS_UNCONFIRMED_MS", 300_000, { min: 0, max: 86_400_000 }),
    jwt: chosen.has("jwt") ? jwtSettings(environment) : undefined,
    grantsByName,
    proxy: proxySettings(environment, isLoopback),
    hosts: hosts.length === 0 ? undefined : new Set(hosts.map((name) => name.toLowerCase())),
    origins,
    metricsReaders: addressList(environment.list("METRICS_ALLOW", ""), (what) =>
      environment.problem("METRICS_ALLOW", what),
    ),
    perPrincipal: {
      requestsPerSecond: environment.integer("PRINCIPAL_REQUESTS_PER_SECOND", 0, count),
      observations: environment.integer("PRINCIPAL_OBSERVATIONS", 0, count),
    },
    auditDays: environment.integer("AUDIT_DAYS", 90, { min: 1, max: 36_500 }),
  };
}

function authMethods(environment: Environment, host: string, isLoopback: boolean): Set<AuthMethod> {
  const named = environment.list("GATEWAY_AUTH", "");
  const isMethod = (name: string): name is AuthMethod => methods.some((method) => method === name);
  const unknown = named.find((name) => name !== "none" && !isMethod(name));
  const choice = `${methods.join(", ")} (several with commas between), or none`;
  if (unknown !== undefined) environment.problem("GATEWAY_AUTH", `must be ${choice}, not "${unknown}"`);
  else if (named.includes("none") && named.length > 1) {
    environment.problem("GATEWAY_AUTH", "cannot be none and something else");
  } else if (named.length === 0 && !isLoopback) {
    const open = `the gateway listens on ${host}, where others can reach it`;
    environment.problem("GATEWAY_AUTH", `must be set, because ${open}: ${choice}`);
  }
  return new Set(named.filter(isMethod));
}

function jwtSettings(environment: Environment): JwtSettings {
  const needed = (name: "JWT_JWKS" | "JWT_ISSUER" | "JWT_AUDIENCE") => {
    const value = environment.text(name, "");
    if (value === "") environment.problem(name, "is needed for GATEWAY_AUTH=jwt");
    return value;
  };
  const algorithms = environment.list("JWT_ALGORITHMS", "RS256,ES256,EdDSA");
  const unknown = algorithms.find((name) => !signatures.includes(name));
  if (unknown !== undefined) {
    environment.problem("JWT_ALGORITHMS", `must be of ${signatures.join(", ")}, not "${unknown}"`);
  }
  const jwks = needed("JWT_JWKS");
  if (jwks !== "" && !/^https?:\/\//.test(jwks)) checkJwks(environment);
  needed("JWT_AUDIENCE");
  return {
    jwks,
    issuer: needed("JWT_ISSUER"),
    audience: environment.list("JWT_AUDIENCE", ""),
    algorithms,
    grantsClaim: environment.text("JWT_GRANTS_CLAIM", "kato"),
  };
}

function proxySettings(environment: Environment, isLoopback: boolean): ProxySettings | undefined {
  const header = environment.text("PRINCIPAL_HEADER", "").toLowerCase();
  const proxies = environment.list("PRINCIPAL_PROXIES", isLoopback ? "127.0.0.0/8,::1" : "");
  if (header === "") return undefined;
  if (proxies.length === 0) {
    const why =
      "is needed with PRINCIPAL_HEADER: the proxies that may set it, by address, network or certificate";
    environment.problem("PRINCIPAL_PROXIES", why);
  }
  const isAddress = (item: string) =>
    /^[\d.]+(\/\d+)?$/.test(item) || /^\[?[\da-f:.]*:[\da-f:.]*\]?(\/\d+)?$/i.test(item);
  return {
    header,
    addresses: addressList(proxies.filter(isAddress), (what) =>
      environment.problem("PRINCIPAL_PROXIES", what),
    ),
    certificates: new Set(proxies.filter((item) => !isAddress(item))),
  };
}
