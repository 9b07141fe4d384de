import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { shownPath } from "../http/request-log.ts";
import type { AuditEntry, AuditTrail } from "./audit-trail.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the audit trail tells besides who did what: for example the endpoint before and now. */
    auditDetail: Record<string, unknown> | undefined;
  }
}

interface AuditOptions {
  /** Undefined until NATS was reached. */
  trail: () => AuditTrail | undefined;
  log: FastifyBaseLogger;
}

/** Of one address the same refusal is told once in this time, because anybody can cause it. */
const refusalEveryMs = 10_000;
const maxRefusers = 1_000;

/**
 * Tells the audit trail, and the log, of each request whose route is audited, before it is answered; and of each
 * that was refused for its credentials or its grants. What was done is not taken back if the trail cannot be
 * written: then the log alone has it, and a warning.
 */
export function keepAuditTrail(app: FastifyInstance, options: AuditOptions): void {
  const told = new Map<string, number>();
  app.decorateRequest("auditDetail", undefined);
  app.addHook("onSend", (request, reply, _payload, done) => {
    const entry = entryOf(request, reply);
    if (!entry || (entry.action === "refused" && wasTold(told, entry))) return done();
    options.log.info({ ...entry }, "audit");
    const adding = options.trail()?.add(entry) ?? Promise.reject(new Error("NATS was not reached yet"));
    const added = adding.catch((error: unknown) =>
      options.log.warn({ err: error, request: entry.request }, "the audit trail could not be written"),
    );
    // A refusal makes nobody wait.
    if (entry.action === "refused") done();
    else added.then(() => done());
  });
}

/** What is to be told of a request; undefined for nothing. */
function entryOf(request: FastifyRequest, reply: FastifyReply): AuditEntry | undefined {
  const { statusCode: status } = reply;
  const { audit, scope } = request.routeOptions.config;
  const isRefused = status === 401 || status === 403 || status === 421;
  // A mistake in a request, and what its processor was not ready for, have changed nothing.
  const isDone = audit !== undefined && (status < 400 || status >= 500);
  const action = isRefused ? "refused" : audit;
  if (action === undefined || !(isDone || isRefused)) return undefined;
  const { principal, ip, id, method, auditDetail } = request;
  const { id: processor } = Object(request.params) as { id?: string };
  return {
    time: new Date().toISOString(),
    action,
    principal: principal?.id ?? "",
    name: principal?.name ?? "",
    address: ip,
    request: id,
    method,
    path: shownPath(request).slice(0, 300),
    status,
    ...(processor !== undefined && { processor }),
    ...(scope !== undefined && isRefused && { detail: { outcome: request.outcome } }),
    ...(auditDetail && { detail: auditDetail }),
  };
}

function wasTold(told: Map<string, number>, { address, principal, status }: AuditEntry): boolean {
  const refuser = `${address} ${principal} ${status}`;
  const now = performance.now();
  const last = told.get(refuser);
  if (last !== undefined && now - last < refusalEveryMs) return true;
  if (told.size >= maxRefusers) told.clear();
  told.set(refuser, now);
  return false;
}
