import type { Declaration, Problem } from "./declaration.ts";
import { declarationsOfItem, withoutWrong } from "./declaration.ts";
import { isEndpoint } from "./processor-entry.ts";

const source = "environment";

/**
 * The processors that environment variables name:
 * - `KATO_PROCESSORS`, a JSON object of ids and endpoints, or a JSON list of `{id, name, grpc_endpoint}`;
 * - `KATO_<NAME>=host:port` or `KATO_<NAME>=id:host:port`.
 *
 * A variable of another form is ignored, as `KATO_P1_PORT=tcp://…`, which Kubernetes sets for a Service.
 * Wrong processors are reported to `problem` and left out.
 */
export function processorsOfEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  problem: Problem,
): Declaration[] {
  const declarations = Object.entries(variables).flatMap(([setting, value]) => {
    if (!value) return [];
    if (setting === "KATO_PROCESSORS") return ofJson(value, setting, problem);
    return /^KATO_[A-Z0-9_]+$/.test(setting) ? ofVariable(setting, value) : [];
  });
  return withoutWrong(declarations, problem);
}

function ofVariable(setting: string, value: string): Declaration[] {
  const name = setting.slice("KATO_".length);
  if (isEndpoint(value)) return [{ name, grpc_endpoint: value, source, setting }];
  const [, id, endpoint] = /^([^:/]+):(.+)$/.exec(value) ?? [];
  if (id === undefined || endpoint === undefined || !isEndpoint(endpoint)) return [];
  return [{ id, name, grpc_endpoint: endpoint, source, setting }];
}

function ofJson(text: string, setting: string, problem: Problem): Declaration[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    problem(setting, "is not JSON");
    return [];
  }
  if (typeof json !== "object" || json === null) {
    problem(setting, "must be an object of id and endpoint, or a list");
    return [];
  }
  const items: unknown[] = Array.isArray(json)
    ? json
    : Object.entries(json).map(([id, grpc_endpoint]) => ({ id, grpc_endpoint }));
  return items.flatMap((item, index) =>
    declarationsOfItem(item, { source, setting }, (_, what) => problem(setting, `item ${index + 1} ${what}`)),
  );
}
