import { Type } from "typebox";
import type { DiscoverySourceName } from "../../../libs/registry/processor-entry.ts";
import { discoverySources } from "../../../libs/registry/processor-entry.ts";
import { oneOf } from "../http/schemas.ts";

/** What a principal may do, each with all that stands before it. */
export const scopes = ["read", "write", "operate", "admin"] as const;

/**
 * `read` asks. `write` sends commands. `operate` sees the commands of others, and pauses, rebuilds and resends.
 * `admin` registers processors and makes keys. `discovery` stands beside these: it registers what one source
 * has found, and may nothing else.
 */
export type Scope = (typeof scopes)[number] | "discovery";

/** What a principal may do, and with which processors. */
export interface Grants {
  /** Ids, or beginnings of ids followed by `*`. */
  processors: readonly string[];
  scope: Scope;
  /** With the scope `discovery`, and only with it: the source whose entries may be changed. */
  source?: DiscoverySourceName | undefined;
}

const processorPattern = "^([A-Za-z0-9_-]{1,64}|[A-Za-z0-9_-]{0,63}\\*)$";
const maxProcessors = 1_000;
const allScopes: readonly Scope[] = [...scopes, "discovery"];

/** The form of grants in the body of a request. `grantsProblem` checks them. */
export const GrantsSchema = Type.Object({
  processors: Type.Array(Type.String({ pattern: processorPattern }), {
    minItems: 1,
    maxItems: maxProcessors,
    description: "Ids of processors, or beginnings of ids followed by `*`",
  }),
  scope: oneOf(allScopes, "`read` < `write` < `operate` < `admin`; or `discovery`, for one source"),
  source: Type.Optional(oneOf(discoverySources, "With the scope `discovery`: whose entries may be changed")),
});

/** Everything, as on a gateway that is open. */
export const allGrants: Grants = { processors: ["*"], scope: "admin" };

/**
 * What is wrong with grants that somebody wrote, wherever they stand: in a key, in a token's claim, in GRANTS_FILE;
 * undefined if they are right.
 */
export function grantsProblem(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "they must be an object: {processors, scope}";
  const { processors, scope, source, ...others }: Record<string, unknown> = { ...value };
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `"${unknown}" is no part of grants`;
  if (!Array.isArray(processors) || processors.length === 0 || processors.length > maxProcessors) {
    return `processors must be a list of 1 to ${maxProcessors} ids`;
  }
  const isPattern = (each: unknown) => typeof each === "string" && new RegExp(processorPattern).test(each);
  const wrong = processors.find((each) => !isPattern(each));
  if (wrong !== undefined)
    return `processors has ${JSON.stringify(wrong)}, which is no id, perhaps with a * at its end`;
  if (!allScopes.some((each) => each === scope)) return `scope must be one of ${allScopes.join(", ")}`;
  if (scope !== "discovery")
    return source === undefined ? undefined : "source is for the scope discovery only";
  const isSource = discoverySources.some((each) => each === source);
  return isSource ? undefined : `the scope discovery needs a source: ${discoverySources.join(" or ")}`;
}

/** Whether these grants are for this processor. */
export function coversProcessor({ processors }: Grants, id: string): boolean {
  return processors.some((pattern) =>
    pattern.endsWith("*") ? id.startsWith(pattern.slice(0, -1)) : pattern === id,
  );
}

/** Whether these grants are for all processors, also for those to come. */
export function coversAll({ processors }: Grants): boolean {
  return processors.includes("*");
}

/** Whether these grants have a scope. */
export function hasScope({ scope }: Grants, wanted: Scope): boolean {
  if (scope === "discovery" || wanted === "discovery") return scope === wanted || scope === "admin";
  return scopes.indexOf(scope) >= scopes.indexOf(wanted);
}
