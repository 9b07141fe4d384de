import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { probePaths } from "../http/probe-paths.ts";
import { consoleHeader, keyOfCookie } from "./session-cookie.ts";

/** What pages in a browser may do. */
export interface BrowserRules {
  /** Hosts that requests may name, in lower case and without ports; undefined for any. */
  hosts: ReadonlySet<string> | undefined;
  /** The origins whose pages may use the API; `*` for all. */
  origins: readonly string[];
}

/**
 * Keeps the pages of others from using the gateway through somebody's browser.
 *
 * A page can lead its own host name to the gateway's address, and is then of the same origin in the browser's eyes
 * (DNS rebinding). So a host that is not expected is refused, but to probes, which name an address. A page can also
 * send a form to any address. So what changes something is refused to the pages of other origins, but to those of
 * CORS_ORIGINS. Programs send neither `Origin` nor `Sec-Fetch-Site`, and are not concerned.
 */
export function refuseForeignPages(app: FastifyInstance, rules: BrowserRules): void {
  app.addHook("onRequest", (request, _reply, done) => done(objectionTo(request, rules)));
}

function objectionTo(request: FastifyRequest, { hosts, origins }: BrowserRules): GatewayError | undefined {
  const { headers, method } = request;
  const [path = ""] = request.url.split("?", 1);
  const host = (headers.host ?? "").toLowerCase().replace(/:\d*$/, "");
  if (hosts && host !== "" && !hosts.has(host) && !probePaths.has(path)) {
    const detail = `This gateway is not called ${JSON.stringify(host.slice(0, 100))}; GATEWAY_HOSTS has its names.`;
    return new GatewayError("HOST_NOT_EXPECTED", detail, { effect: "none" });
  }
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return undefined;
  const { origin } = headers;
  if (origins.includes("*") || (origin !== undefined && origins.includes(origin))) return undefined;
  const isForeign = origin !== undefined && hostOf(origin) !== (headers.host ?? "").toLowerCase();
  if (isForeign || headers["sec-fetch-site"] === "cross-site") {
    return new GatewayError(
      "CROSS_SITE",
      "Pages of another origin may not change anything here; CORS_ORIGINS has those that may.",
      {
        effect: "none",
      },
    );
  }
  const isLogin = headers.authorization === undefined && keyOfCookie(request) !== undefined;
  if (isLogin && headers[consoleHeader] === undefined) {
    return new GatewayError(
      "CROSS_SITE",
      "With a login, what changes something needs the header Kato-Console.",
      {
        effect: "none",
      },
    );
  }
  return undefined;
}

/** An origin's host and port as a Host header has them; "" of `null`. */
function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}
