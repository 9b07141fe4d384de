import { clientVariables } from "../config/client-variables.ts";
import { bare, isLink } from "../config/environment.ts";
import { decodeResponse, encodeRequest } from "../kato/codec.ts";
import type { Locate } from "../kato/host-addresses.ts";
import type { InstanceContext } from "../kato/instance-tls.ts";
import type { ProcessorEntry } from "./processor-entry.ts";
import { entryProblem, isEndpoint, isFlag } from "./processor-entry.ts";

/** A processor that a setting names. */
export interface Declaration {
  /** If the setting does not say it, the instance is asked. */
  id?: string;
  name?: string;
  grpc_endpoint: string;
  /** If true, the instance is connected to with TLS. */
  grpc_tls?: boolean;
  source: "environment" | "file";
  /** The name of the setting in messages: `KATO_P1`, `GATEWAY_CONFIG processors[0]`. */
  setting: string;
}

/**
 * Called with a setting that is wrong. `what` is the rest of the sentence after its name, for example "is not
 * JSON".
 */
export type Problem = (setting: string, what: string) => void;

/**
 * The entry to register for a declaration. `id` is the declared one, or the one that the instance has
 * answered.
 */
export function entryOfDeclaration(declaration: Declaration, id: string): ProcessorEntry {
  const { name = id, grpc_endpoint, grpc_tls, source } = declaration;
  return { id, name, grpc_endpoint, ...(grpc_tls && { grpc_tls }), source };
}

/**
 * The processors that environment variables name:
 * - `KATO_PROCESSORS`, a JSON object of ids and endpoints, or a JSON list of
 *   `{id, name, grpc_endpoint, grpc_tls}`;
 * - `KATO_<NAME>=host:port` or `KATO_<NAME>=id:host:port`.
 *
 * A variable of another form is ignored, for example `KATO_P1_PORT=tcp://…`, which Kubernetes sets for a
 * Service. Where it has a colon and is no such link, it was perhaps meant as an endpoint: `doubt` is told.
 * Wrong processors are reported to `problem` and left out.
 */
export function processorsOfEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  problem: Problem,
  doubt: (setting: string) => void = () => {},
): Declaration[] {
  const declarations = Object.entries(variables).flatMap(([setting, text]) => {
    const value = bare(text);
    if (value === "") return [];
    if (setting === "KATO_PROCESSORS") return ofJson(value, setting, problem);
    if (!/^KATO_[A-Z0-9_]+$/.test(setting)) return [];
    const found = ofVariable(setting, value);
    const isOfOthers = isOfLink(setting, value) || isOfClients(setting);
    if (found.length === 0 && value.includes(":") && !isOfOthers) doubt(setting);
    return found;
  });
  return withoutWrong(declarations, problem);
}

/** Whether the command line reads this variable, which may be there in the gateway's container too. */
function isOfClients(setting: string): boolean {
  return clientVariables.some((name) => name === setting);
}

/** Whether Kubernetes or Docker has set this variable for a service. Its address may be an IPv6 one. */
function isOfLink(setting: string, value: string): boolean {
  return isLink(value) || /_(SERVICE_HOST|TCP_ADDR|UDP_ADDR)$|_ENV_/.test(setting);
}

const itemKeys = ["id", "name", "grpc_endpoint", "grpc_tls"];

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
      if (itemKeys.includes(key)) continue;
      // KATO's REST front end had one.
      const remedy = key === "description" ? ": leave it out; there is only a name" : "";
      problem(setting, `has the unknown key ${JSON.stringify(key)}${remedy}`);
    }
    return declarationsOfItem(item, { source: "file", setting }, problem);
  });
  return withoutWrong(declarations, problem);
}

/**
 * Asks the instance at an endpoint for its processor's id, by a Ping; with a `context` over TLS. There is no id if it
 * does not answer within `timeoutMs`, nor if `locate` refuses it. Throws if TLS with it fails.
 */
export async function askId(
  endpoint: string,
  {
    locate,
    timeoutMs,
    context,
  }: { locate: Locate; timeoutMs: number; context?: InstanceContext | undefined },
): Promise<{ id?: string; refusal?: string | undefined }> {
  // Few settings leave an id out, and only these need gRPC in the gateway.
  const { KatoChannel } = await import("../kato/channel.ts");
  const channel = new KatoChannel(endpoint, locate, context);
  try {
    if (!(await channel.connect(timeoutMs))) {
      if (channel.tlsFailure !== undefined) throw new Error(`TLS with it fails: ${channel.tlsFailure}`);
      return { refusal: channel.refusal };
    }
    const result = await channel.call("Ping", encodeRequest("Ping", {}), timeoutMs);
    return result.kind === "response" ? { id: decodeResponse("Ping", result.bytes).id } : {};
  } finally {
    channel.close();
  }
}

function ofVariable(setting: string, value: string): Declaration[] {
  const name = setting.slice("KATO_".length);
  if (isEndpoint(value)) return [{ name, grpc_endpoint: value, source: "environment", setting }];
  const [, id, endpoint] = /^([^:/]+):(.+)$/.exec(value) ?? [];
  if (id === undefined || endpoint === undefined || !isEndpoint(endpoint)) return [];
  return [{ id, name, grpc_endpoint: endpoint, source: "environment", setting }];
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
    declarationsOfItem(item, { source: "environment", setting }, (_, what) =>
      problem(setting, `item ${index + 1} ${what}`),
    ),
  );
}

/**
 * Reads an item of a list, `{id, name, grpc_endpoint, grpc_tls}`, of which only the endpoint is required. The list is
 * empty if the item is wrong.
 */
function declarationsOfItem(
  item: unknown,
  { source, setting }: Pick<Declaration, "source" | "setting">,
  problem: Problem,
): Declaration[] {
  const { id, name, grpc_endpoint, grpc_tls } = fieldsOf(item);
  if (!isTextOrMissing(id) || !isTextOrMissing(name) || typeof grpc_endpoint !== "string") {
    problem(setting, "must be {id, name, grpc_endpoint}, texts each");
    return [];
  }
  if (!isFlag(grpc_tls)) {
    problem(setting, "has a grpc_tls that is neither true nor false");
    return [];
  }
  const given = {
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
    ...(grpc_tls && { grpc_tls }),
  };
  return [{ ...given, grpc_endpoint, source, setting }];
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
function withoutWrong(declarations: Declaration[], problem: Problem): Declaration[] {
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
