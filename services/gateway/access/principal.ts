import type { Grants } from "./grants.ts";
import { allGrants, hasScope } from "./grants.ts";

/** Who has sent a request. */
export interface Principal {
  /**
   * `key:<id>`, `jwt:<subject>`, `cert:<name>`, or what a trusted proxy has called it. "" for whoever uses a
   * gateway that is open. What belongs to a principal is kept under it, so it stays the same when a secret is
   * changed.
   */
  id: string;
  /** What people call it; shown in the audit trail. */
  name: string;
  grants: Grants;
}

/** Whoever uses a gateway that asks nobody who they are. */
export const anybody: Principal = { id: "", name: "", grants: allGrants };

/** Whether a principal may see what became of what this sender has sent: its own, or with the scope `operate`. */
export function maySee({ id, grants }: Principal, sender: string | undefined): boolean {
  return id === sender || hasScope(grants, "operate");
}
