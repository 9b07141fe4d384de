import type { ProcessorEntry } from "./processor-entry.ts";
import { entryProblem } from "./processor-entry.ts";

/** A processor that a setting names. */
export interface Declaration {
  /** If the setting does not say it, the instance is asked. */
  id?: string;
  name?: string;
  grpc_endpoint: string;
  source: "environment" | "file";
  /** The name of the setting in messages: `KATO_P1`, `GATEWAY_CONFIG processors[0]`. */
  setting: string;
}

/** Called with a setting that is wrong; `what` goes on after its name, as "is not JSON". */
export type Problem = (setting: string, what: string) => void;

/** The entry to register for a declaration, whose id may have had to be asked for. */
export function entryOfDeclaration({ name, grpc_endpoint, source }: Declaration, id: string): ProcessorEntry {
  return { id, name: name ?? id, grpc_endpoint, source };
}

/**
 * Reads an item of a list, `{id, name, grpc_endpoint}`, of which only the endpoint is required. None if it is
 * wrong.
 */
export function declarationsOfItem(
  item: unknown,
  { source, setting }: Pick<Declaration, "source" | "setting">,
  problem: Problem,
): Declaration[] {
  const { id, name, grpc_endpoint } = fieldsOf(item);
  if (!isTextOrMissing(id) || !isTextOrMissing(name) || typeof grpc_endpoint !== "string") {
    problem(setting, "must be {id, name, grpc_endpoint}, texts each");
    return [];
  }
  return [
    { ...(id !== undefined && { id }), ...(name !== undefined && { name }), grpc_endpoint, source, setting },
  ];
}

function fieldsOf(item: unknown): Record<string, unknown> {
  return typeof item === "object" && item !== null ? { ...item } : {};
}

function isTextOrMissing(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

/**
 * Leaves out the declarations that cannot be registered, and reports them to `problem`: those with a wrong
 * id, name or endpoint, and those whose id an earlier one has.
 */
export function withoutWrong(declarations: Declaration[], problem: Problem): Declaration[] {
  const ids = new Set<string>();
  return declarations.filter((declaration) => {
    // An id that has to be asked for cannot be wrong yet, so a valid one stands in for it.
    const { id, grpc_endpoint, setting } = declaration;
    const { name = id ?? "unknown" } = declaration;
    const isDuplicate = id !== undefined && ids.has(id);
    const wrong =
      entryProblem({ id: id ?? "unknown", name, grpc_endpoint }) ??
      (isDuplicate ? `names ${id}, which is named twice` : undefined);
    if (wrong !== undefined) problem(setting, wrong);
    else if (id !== undefined) ids.add(id);
    return wrong === undefined;
  });
}
