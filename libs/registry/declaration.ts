import type { ProcessorEntry } from "./processor-entry.ts";
import { entryProblem } from "./processor-entry.ts";

/** What a setting says of a processor. */
export interface Declaration {
  /** Without one, the instance is asked for it. */
  id?: string;
  name?: string;
  grpc_endpoint: string;
  source: "environment" | "file";
  /** The setting, for people: `KATO_P1`, `GATEWAY_CONFIG processors[0]`. */
  setting: string;
}

/** Told of a setting that is wrong. */
export type Problem = (setting: string, what: string) => void;

/** What is to be registered, once the id is known. */
export function entryOfDeclaration({ name, grpc_endpoint, source }: Declaration, id: string): ProcessorEntry {
  return { id, name: name ?? id, grpc_endpoint, source };
}

/** Reads an item of a list: `{id, name, grpc_endpoint}`, of which the endpoint alone is needed. */
export function declarationsOfItem(
  item: unknown,
  { source, setting }: Pick<Declaration, "source" | "setting">,
  problem: Problem,
): Declaration[] {
  const { id, name, grpc_endpoint } = Object(item) as Record<string, unknown>;
  if (!isTextOrMissing(id) || !isTextOrMissing(name) || typeof grpc_endpoint !== "string") {
    problem(setting, "must be {id, name, grpc_endpoint}, texts each");
    return [];
  }
  return [
    { ...(id !== undefined && { id }), ...(name !== undefined && { name }), grpc_endpoint, source, setting },
  ];
}

function isTextOrMissing(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

/**
 * Those that can be registered: what is wrong, or names an id for a second time, is told to `problem` and
 * left out.
 */
export function withoutWrong(declarations: Declaration[], problem: Problem): Declaration[] {
  const ids = new Set<string>();
  return declarations.filter((declaration) => {
    // What is still to be asked for cannot be wrong yet.
    const { id, grpc_endpoint, setting } = declaration;
    const { name = id ?? "unknown" } = declaration;
    const isDouble = id !== undefined && ids.has(id);
    const wrong =
      entryProblem({ id: id ?? "unknown", name, grpc_endpoint }) ??
      (isDouble ? `names ${id}, which is named twice` : undefined);
    if (wrong !== undefined) problem(setting, wrong);
    else if (id !== undefined) ids.add(id);
    return wrong === undefined;
  });
}
