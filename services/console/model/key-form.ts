import type { KeyRequest, Scope } from "../../../libs/client/types/gateway.ts";

/** What somebody has written of a new key. */
export interface KeyForm {
  name: string;
  scope: string;
  processors: string;
  /** As a field `datetime-local` has it. */
  expires: string;
}

export const emptyKeyForm: KeyForm = { name: "", scope: "read", processors: "*", expires: "" };

/** What each scope is for, each having all before it (docs/access.md). Discovery gets its key by a file. */
export const scopes = {
  read: "see processors, and what they predict",
  write: "observe, learn and upload as well",
  operate: "pause, rebuild, and see the log and the dead letters as well",
  admin: "register processors, and make keys, as well",
} as const satisfies Partial<Record<Scope, string>>;

/** The request for a key. `expiresAt` is in ISO 8601, or empty. */
export function keyRequestOf({ name, scope, processors }: KeyForm, expiresAt: string): KeyRequest {
  const patterns = processors
    .split(/[\s,]+/)
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
  const known = (Object.keys(scopes) as (keyof typeof scopes)[]).find((each) => each === scope) ?? "read";
  return {
    name: name.trim(),
    grants: { processors: patterns, scope: known },
    ...(expiresAt !== "" && { expires_at: expiresAt }),
  };
}
