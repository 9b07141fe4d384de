import type { Mutations } from "./mutation.ts";

/** Who may use the gateway, and for what. */
export const access: Mutations = {
  "services/gateway/access/control-access.ts": [
    {
      breaks: "a processor out of sight can be used",
      find: "if (processor !== undefined && !coversProcessor(grants, processor)) {",
      replace: "if (processor === undefined) {",
    },
    {
      breaks: "discovery may do whatever a route needs that it may use",
      find: 'const mayDiscover = discovery && scope !== "none" && grants.scope === "discovery";',
      replace: 'const mayDiscover = grants.scope === "discovery";',
    },
    {
      breaks: "grants for some processors are enough for what is about all",
      find: "if (allProcessors && !coversAll(grants)) return",
      replace: "if (allProcessors && false) return",
    },
    {
      breaks: "a route without a scope is served",
      find: 'if (config?.scope === undefined && method !== "OPTIONS")',
      replace: "if (config === null)",
    },
    {
      breaks: "requests that observe are counted for ever",
      find: "if (left > 0) underWay.set(principal, left);",
      replace: "if (left >= 0) underWay.set(principal, left + 1);",
    },
  ],
  "services/gateway/access/authenticate.ts": [
    {
      breaks: "keys are believed for ever while NATS is away",
      find: "const isBelieved = unconfirmedMs <= settings.keysUnconfirmedMs;",
      replace: "const isBelieved = true;",
    },
    {
      breaks: "a key that nobody can check is told to be wrong",
      find: "if (unconfirmedMs === 0) throw",
      replace: "if (unconfirmedMs >= 0) throw",
    },
    {
      breaks: "whoever reaches the gateway may name itself",
      find: "if (!isProxy) throw",
      replace: "if (isProxy === null) throw",
    },
    {
      breaks: "a client of a proxy can be called like the owner of a key",
      find: "if (prefixes.test(name))",
      replace: "if (name === prefixes.source)",
    },
    {
      breaks: "a login outlives its key",
      find: "if (keys && record && isBelieved && !isLoginOver) {",
      replace: "if (keys && record && isBelieved) {",
    },
    {
      breaks: "a proxy with a certificate is taken for a client",
      find: "|| names.some((name) => proxy?.certificates.has(name))) return undefined;",
      replace: ") return undefined;",
    },
  ],
  "services/gateway/access/certificates.ts": [
    {
      breaks: "a certificate of anybody counts",
      find: "|| !socket.authorized) return [];",
      replace: ") return [];",
    },
  ],
  "services/gateway/access/key-store.ts": [
    {
      breaks: "a key counts beyond its end",
      find: "if (!record || isOver(record.expires_at, now)) return undefined;",
      replace: "if (!record) return undefined;",
    },
    {
      breaks: "a secret that was replaced counts beyond its end",
      find: "isSameHash(secret.hash, hash) && !isOver(secret.expires_at, now)",
      replace: "isSameHash(secret.hash, hash)",
    },
  ],
  "services/gateway/access/principal.ts": [
    {
      breaks: "whoever knows the id of a command of others sees what became of it",
      find: 'return id === sender || hasScope(grants, "operate");',
      replace: 'return id === sender || hasScope(grants, "read");',
    },
  ],
  "services/gateway/access/browsers.ts": [
    {
      breaks: "a page may use the gateway by a name of its own",
      find: "if (hosts && host !== ",
      replace: "if (hosts && hosts.size === 0 && host !== ",
    },
    {
      breaks: "a page of another origin may change something",
      find: 'if (isForeign || headers["sec-fetch-site"] === "cross-site") {',
      replace: 'if (headers["sec-fetch-site"] === "cross-site") {',
    },
    {
      breaks: "with somebody's login a page's form may change something",
      find: "if (isLogin && headers[consoleHeader] === undefined) {",
      replace: "if (isLogin && headers[consoleHeader] === null) {",
    },
  ],
  "services/gateway/access/json-web-tokens.ts": [
    {
      breaks: "a token for another audience counts",
      find: "      audience,\n",
      replace: "",
    },
    {
      breaks: "a token that never ends counts",
      find: 'requiredClaims: ["exp", "sub"],',
      replace: 'requiredClaims: ["sub"],',
    },
  ],
  "services/gateway/access/access-settings.ts": [
    {
      breaks: "a gateway that others reach is open without having been told so",
      find: "} else if (named.length === 0 && !isLoopback) {",
      replace: "} else if (named.length < 0) {",
    },
  ],
  "services/gateway/routes/processors/registration.ts": [
    {
      breaks: "discovery changes what another source has found",
      find: 'if (grants.scope !== "discovery" || grants.source === source) return;',
      replace: 'if (grants.scope !== "discovery" || source !== undefined) return;',
    },
  ],
};
