import { setTimeout as sleep } from "node:timers/promises";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { Locate } from "../../../libs/kato/host-addresses.ts";
import type { InstanceContext } from "../../../libs/kato/instance-tls.ts";
import { forEachConcurrently } from "../../../libs/nats/for-each-concurrently.ts";
import type { Declaration } from "../../../libs/registry/declarations.ts";
import { askId, entryOfDeclaration } from "../../../libs/registry/declarations.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { ProcessorEntry } from "../../../libs/registry/processor-entry.ts";
import { entryProblem } from "../../../libs/registry/processor-entry.ts";
import type { Registry } from "../../../libs/registry/registry.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

/** What registering the processors of the settings needs. */
export interface DeclaringOptions {
  registry: Registry;
  logs: Pick<CommandLogs, "ensure">;
  endpointPolicy: EndpointPolicy;
  /** For instances with TLS. */
  instanceContext: InstanceContext;
  log: Logger;
  stopping: AbortSignal;
}

const askTimeoutMs = 5_000;
const askAgain = { firstMs: 500, lastMs: 5_000 };

/**
 * Registers the processors whose ids the settings name. Rejects if NATS does not answer. It may then be
 * called again.
 */
export async function declareProcessors(
  declarations: readonly Declaration[],
  { registry, logs }: Pick<DeclaringOptions, "registry" | "logs">,
): Promise<void> {
  const declare = async (declaration: Declaration) => {
    if (declaration.id === undefined) return;
    // The log comes first, because a registered processor can be sent commands at once.
    await logs.ensure(declaration.id);
    await registry.declare(entryOfDeclaration(declaration, declaration.id));
  };
  await forEachConcurrently(declarations, declare);
}

/** Logs where the registry differs from the settings. It changes nothing. */
export function logDifferences(
  declarations: readonly Declaration[],
  { registry, log }: Pick<DeclaringOptions, "registry" | "log">,
): void {
  for (const declaration of declarations) {
    const known = declaration.id === undefined ? undefined : registry.get(declaration.id);
    if (known && known.source !== declaration.source) logOutranked(log, declaration, known);
  }
  const isNamed = ({ id, grpc_endpoint }: ProcessorEntry) =>
    declarations.some((each) =>
      each.id === undefined ? each.grpc_endpoint === grpc_endpoint : each.id === id,
    );
  const others = registry.list().filter(({ source }) => source === "environment" || source === "file");
  const unnamed = others.filter((entry) => !isNamed(entry)).map(({ id }) => id);
  if (unnamed.length > 0)
    log.info(
      { processors: unnamed },
      "registered by earlier settings and kept; DELETE /processors/{id} removes one",
    );
}

/**
 * Registers the instances whose ids the settings do not name. Each is asked for its id until it answers.
 * Never rejects. Resolves when all have answered, or once `stopping` is aborted.
 */
export async function declareByAsking(
  declarations: readonly Declaration[],
  options: DeclaringOptions,
): Promise<void> {
  const named = new Map<string, Declaration>();
  for (const declaration of declarations) {
    if (declaration.id !== undefined) named.set(declaration.id, declaration);
  }
  const unnamed = declarations.filter(({ id }) => id === undefined);
  await Promise.all(unnamed.map((declaration) => untilDeclared(declaration, named, options)));
}

async function untilDeclared(
  declaration: Declaration,
  named: Map<string, Declaration>,
  options: DeclaringOptions,
): Promise<void> {
  const { log, stopping } = options;
  const { setting, grpc_endpoint: endpoint } = declaration;
  const context = declaration.grpc_tls ? options.instanceContext : undefined;
  let logged: string | undefined;
  for (let waitMs = askAgain.firstMs; !stopping.aborted; waitMs = Math.min(2 * waitMs, askAgain.lastMs)) {
    let reason: string | undefined;
    try {
      const locate: Locate = (asked) => options.endpointPolicy(asked, declaration.source);
      const { id, refusal } = await askId(endpoint, { locate, timeoutMs: askTimeoutMs, context });
      if (id !== undefined) return await declareAsked(declaration, id, named, options);
      reason = refusal ?? "it does not answer";
    } catch (error) {
      reason = (error as Error).message;
    }
    if (reason !== logged) {
      log.warn(
        { setting, endpoint, reason },
        "an instance cannot be registered by its id yet, it is asked again",
      );
    }
    logged = reason;
    await sleep(waitMs, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Registers an instance under the id that it has answered. */
async function declareAsked(
  declaration: Declaration,
  id: string,
  named: Map<string, Declaration>,
  { registry, logs, log }: DeclaringOptions,
): Promise<void> {
  const { setting, grpc_endpoint: endpoint, source } = declaration;
  const entry = entryOfDeclaration(declaration, id);
  const other = named.get(id);
  const problem =
    entryProblem(entry) ??
    (other && other !== declaration && other.source === source
      ? `${other.setting} names ${id} too`
      : undefined);
  if (problem !== undefined) {
    log.error({ setting, endpoint, problem }, "what an instance answers as its id cannot be registered");
    return;
  }
  named.set(id, declaration);
  await logs.ensure(id);
  if (await registry.declare(entry)) {
    log.info({ setting, endpoint, processor: id }, "an instance has said its id, registered");
    return;
  }
  const known = registry.get(id);
  if (known) logOutranked(log, declaration, known);
}

function logOutranked(log: Logger, { setting, grpc_endpoint }: Declaration, known: ProcessorEntry): void {
  const { id: processor, source, grpc_endpoint: endpoint } = known;
  log.warn(
    { setting, processor, source, endpoint, declared: grpc_endpoint },
    "a processor is registered by a stronger source, which counts; DELETE /processors/{id} removes it",
  );
}
