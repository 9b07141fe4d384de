import type { Declaration, Problem } from "./declaration.ts";
import { declarationsOfItem, withoutWrong } from "./declaration.ts";

const keys = ["id", "name", "grpc_endpoint"];

/**
 * The processors in the `processors` list of a configuration file. Wrong ones are reported to `problem` and
 * left out.
 */
export function processorsOfFile(processors: unknown, problem: Problem): Declaration[] {
  if (processors === undefined || processors === null) return [];
  if (!Array.isArray(processors)) {
    problem("GATEWAY_CONFIG", "processors must be a list");
    return [];
  }
  const declarations = processors.flatMap((item: unknown, index) => {
    const setting = `GATEWAY_CONFIG processors[${index}]`;
    for (const key of Object.keys(Object(item))) {
      if (!keys.includes(key)) problem(setting, `has the unknown key ${JSON.stringify(key)}`);
    }
    return declarationsOfItem(item, { source: "file", setting }, problem);
  });
  return withoutWrong(declarations, problem);
}
