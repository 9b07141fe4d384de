import type { ProcessorEntry } from "./processor-entry.ts";
import { entryProblem, isEndpoint } from "./processor-entry.ts";

/**
 * The processors that environment variables name: `KATO_PROCESSORS` as a JSON object id → endpoint or a list of
 * `{id, name, grpc_endpoint}`, and `KATO_<NAME>=id:host:port`. A variable of any other form (`KATO_P1_PORT=tcp://…`, say)
 * is left alone. Wrong entries are told to `problem` and left out.
 */
export function processorsOfEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  problem: (variable: string, what: string) => void,
): ProcessorEntry[] {
  const entries = new Map<string, ProcessorEntry>();
  const add = (variable: string, entry: ProcessorEntry) => {
    const wrong = entryProblem(entry) ?? (entries.has(entry.id) ? `${entry.id} is named twice` : undefined);
    if (wrong === undefined) entries.set(entry.id, entry);
    else problem(variable, wrong);
  };
  for (const [variable, value] of Object.entries(variables)) {
    if (!value) continue;
    if (variable === "KATO_PROCESSORS") {
      for (const entry of ofJson(value, (what) => problem(variable, what))) add(variable, entry);
    } else if (/^KATO_[A-Z0-9_]+$/.test(variable)) {
      const [, id, endpoint] = /^([^:/]+):(.+)$/.exec(value) ?? [];
      if (id === undefined || endpoint === undefined || !isEndpoint(endpoint)) continue;
      add(variable, {
        id,
        name: variable.slice("KATO_".length),
        grpc_endpoint: endpoint,
        source: "environment",
      });
    }
  }
  return [...entries.values()];
}

function ofJson(text: string, problem: (what: string) => void): ProcessorEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    problem("is not JSON");
    return [];
  }
  if (typeof json !== "object" || json === null) {
    problem("must be an object of id and endpoint, or a list");
    return [];
  }
  const items: unknown[] = Array.isArray(json)
    ? json
    : Object.entries(json).map(([id, grpc_endpoint]) => ({ id, grpc_endpoint }));
  return items.flatMap((item, index) => {
    const { id, name = id, grpc_endpoint } = Object(item) as Record<string, unknown>;
    if (typeof id === "string" && typeof name === "string" && typeof grpc_endpoint === "string") {
      return [{ id, name, grpc_endpoint, source: "environment" as const }];
    }
    problem(`item ${index + 1} must be {id, name, grpc_endpoint}, texts each`);
    return [];
  });
}
