import type { Grants } from "../../../libs/client/types/gateway.ts";

const scopes = ["read", "write", "operate", "admin"];

/** Whether grants have a scope, which has all that stand before it (docs/access.md). */
export function mayDo({ scope }: Grants, wanted: "read" | "write" | "operate" | "admin"): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(wanted);
}

/** Whether somebody may see the keys and the audit trail, which are about all processors. */
export function mayAdminister(grants: Grants): boolean {
  return mayDo(grants, "admin") && grants.processors.includes("*");
}
