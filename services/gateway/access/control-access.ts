import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { setRateLimit } from "../http/headers.ts";
import { processorNotFound } from "../http/problem.ts";
import type { AuditedAction } from "./audit-trail.ts";
import type { Authenticator } from "./authenticate.ts";
import { authenticate, Unauthenticated } from "./authenticate.ts";
import type { Scope } from "./grants.ts";
import { coversAll, coversProcessor, hasScope } from "./grants.ts";
import type { Principal } from "./principal.ts";
import { anybody } from "./principal.ts";
import { RequestRates } from "./request-rates.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who has sent it. */
    principal: Principal;
    /** What the command log keeps of the client: its principal, or its address where there is none. */
    sender: string;
  }

  interface FastifyContextConfig {
    /** What its caller needs. Every route says so; `none` is for those that tell nothing about processors. */
    scope?: Scope | "none";
    /** Whether it is about all processors, so that grants for some of them are not enough. */
    allProcessors?: boolean;
    /** Whether discovery may use it too, for its own source. The route sees to that. */
    discovery?: boolean;
    /** Whether it sends observations, of which a principal may have so many under way. */
    observes?: boolean;
    /** What the audit trail calls it, once it was done. */
    audit?: AuditedAction;
  }
}

export interface AccessOptions extends Authenticator {
  log: FastifyBaseLogger;
}

/**
 * Lets each request do what its principal may do.
 *
 * A request without credentials that count is a 401. A processor that the principal's grants do not have does not
 * exist for it, and is the same 404 as one that nobody has registered. What it sees and may not do is a 403 that
 * names the scope. Paths that there are not are left to their 404.
 */
export function controlAccess(app: FastifyInstance, options: AccessOptions): void {
  const { perPrincipal, metricsReaders } = options.settings;
  const rates =
    perPrincipal.requestsPerSecond > 0 ? new RequestRates(perPrincipal.requestsPerSecond) : undefined;
  const underWay = new Map<string, number>();
  app.decorateRequest("principal");
  app.decorateRequest("sender", "");
  app.addHook("onRoute", ({ url, config, method }) => {
    if (config?.scope === undefined && method !== "OPTIONS") throw new Error(`the route ${url} has no scope`);
  });

  const admit = (
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
  ): GatewayError | undefined => {
    const { config } = request.routeOptions;
    request.principal = principal;
    if (principal.id !== "") request.sender = principal.id;
    const objection = objectionTo(principal, request);
    if (objection) return objection;
    if (rates) {
      const left = rates.take(principal.id || request.ip);
      if (left < 0) return tooOften(perPrincipal.requestsPerSecond);
      setRateLimit(reply, {
        name: "requests",
        commands: perPrincipal.requestsPerSecond,
        available: left,
        seconds: 1,
      });
    }
    if (config.observes && perPrincipal.observations > 0) {
      return countObservations(underWay, perPrincipal.observations, principal.id || request.ip, reply);
    }
    return undefined;
  };

  app.addHook("onRequest", (request, reply, done) => {
    request.principal = anybody;
    request.sender = request.ip;
    const { is404, routeOptions, ip } = request;
    const { scope, url } = { scope: routeOptions.config.scope, url: routeOptions.url };
    if (is404 || scope === "none" || scope === undefined) return done();
    if (url === "/metrics" && metricsReaders.has(ip)) return done();
    const fail = (error: unknown) => done(refusalOf(error, request, options.log));
    try {
      const principal = authenticate(options, request);
      if (!(principal instanceof Promise)) return done(admit(request, reply, principal));
      principal.then((known) => done(admit(request, reply, known)), fail);
    } catch (error) {
      fail(error);
    }
  });
}

/** Why a principal may not use a route; undefined if it may. */
function objectionTo(
  { grants }: Principal,
  { routeOptions, params }: FastifyRequest,
): GatewayError | undefined {
  const { scope = "admin", allProcessors, discovery } = routeOptions.config;
  const processor = processorOf(routeOptions.url, params);
  if (processor !== undefined && !coversProcessor(grants, processor)) {
    return processorNotFound(processor);
  }
  const mayDiscover = discovery && scope !== "none" && grants.scope === "discovery";
  if (scope !== "none" && !hasScope(grants, scope) && !mayDiscover) return forbidden(scope, processor);
  if (allProcessors && !coversAll(grants)) return forbidden("all processors", undefined);
  return undefined;
}

/** The processor that a route's path names; undefined if it names none. */
function processorOf(url = "", params: unknown): string | undefined {
  if (!/^\/(processors\/)?:id(\/|$)/.test(url)) return undefined;
  return (params as { id: string }).id;
}

/** What a client is answered that could not be authenticated. Why stands in the log only. */
function refusalOf(error: unknown, request: FastifyRequest, log: FastifyBaseLogger): GatewayError {
  if (!(error instanceof Unauthenticated)) return GatewayError.from(error);
  log.info({ request: request.id, address: request.ip, reason: error.message }, "not authenticated");
  return new GatewayError("UNAUTHENTICATED", "The request has no credentials that count.", {
    effect: "none",
  });
}

function forbidden(lacking: string, processor: string | undefined): GatewayError {
  const detail =
    lacking === "all processors"
      ? "This is about all processors, and the grants are for some of them."
      : `This needs the scope ${lacking}.`;
  return new GatewayError("FORBIDDEN", detail, {
    ...(processor !== undefined && { processor }),
    effect: "none",
  });
}

function tooOften(perSecond: number): GatewayError {
  return new GatewayError(
    "RATE_LIMITED",
    `No more than ${perSecond} requests a second are taken of one principal.`,
    {
      effect: "none",
      retryAfterSeconds: 1,
      limit: { name: "requests", commands: perSecond },
    },
  );
}

/** Counts a request that observes, until it is answered or gone. */
function countObservations(
  underWay: Map<string, number>,
  max: number,
  principal: string,
  reply: FastifyReply,
): GatewayError | undefined {
  const count = (underWay.get(principal) ?? 0) + 1;
  if (count > max) {
    return new GatewayError(
      "RATE_LIMITED",
      `No more than ${max} requests that observe are taken of one principal at once.`,
      {
        effect: "none",
        retryAfterSeconds: 1,
        limit: { name: "observations", commands: max },
      },
    );
  }
  underWay.set(principal, count);
  reply.raw.once("close", () => {
    const left = (underWay.get(principal) ?? 1) - 1;
    if (left > 0) underWay.set(principal, left);
    else underWay.delete(principal);
  });
  return undefined;
}
