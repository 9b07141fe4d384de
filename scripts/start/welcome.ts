import { withoutCredentials } from "../../libs/nats/servers.ts";
import type { ProcessorView } from "./ready.ts";
import type { RunningSystem } from "./system.ts";

/**
 * The text to print once everything runs: the addresses, and for each processor lines to copy into a shell.
 */
export function welcome(system: RunningSystem, dataDir: string): string {
  const { baseUrl, natsUrl, workerUrl, processors } = system;
  const addresses = [
    `gateway    ${baseUrl}`,
    `worker     ${workerUrl}   (/health)`,
    `nats       ${natsUrl.split(",").map(withoutCredentials).join(",")}`,
    ...processors.map(({ id, name, endpoint }) => `processor  ${id}   ${name} at ${endpoint}`),
    `data       ${dataDir}`,
  ];
  const unhealthy = processors.filter(({ healthy }) => !healthy).map(({ id }) => id);
  const warnings = unhealthy.length > 0 ? [`Not healthy yet: ${unhealthy.join(", ")}.`, ""] : [];
  const examples = processors.flatMap((processor) => [...curlLines(baseUrl, processor), ""]);
  return [...addresses, "", ...warnings, ...examples, `Ready: ${baseUrl} (Ctrl-C stops it)`].join("\n");
}

// The answers end in no newline.
const curl = "curl -s -w '\\n'";

function curlLines(baseUrl: string, { id, name }: ProcessorView): string[] {
  const url = `${baseUrl}/${id}`;
  const observe = (symbol: string) =>
    `${curl} ${url}/observe -H 'Content-Type: application/json' -d '{"strings": ["${symbol}"]}'`;
  return [
    `# ${name} learns a, b, c, and is then asked what follows a`,
    observe("a"),
    observe("b"),
    observe("c"),
    `${curl} -X POST ${url}/learn`,
    observe("a"),
    `${curl} ${url}/predictions`,
    `${curl} ${url}/working-memory`,
  ];
}
