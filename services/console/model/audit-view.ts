import type { AuditEntry } from "../../../libs/client/types/gateway.ts";

/** Which entries of the audit trail are shown. All of it stands in the address. */
export interface AuditFilter {
  action: string;
  /** What the principal, its name or its address has in it. */
  who: string;
  processor: string;
  /** ISO 8601, or empty. */
  since: string;
  until: string;
}

export function auditFilterOf(query: Readonly<Record<string, string>>): AuditFilter {
  const { action = "", who = "", processor = "", since = "", until = "" } = query;
  return { action, who, processor, since, until };
}

export const isAuditFiltered = (filter: AuditFilter): boolean =>
  Object.values(filter).some((value) => value !== "");

/** The entries that are wanted, the newest first. */
export function entriesOf(filter: AuditFilter, entries: readonly AuditEntry[]): AuditEntry[] {
  const who = filter.who.trim().toLowerCase();
  const [since, until] = [filter.since, filter.until].map((time) => Date.parse(time));
  return entries
    .filter(
      ({ action, principal, name, address, processor = "", time }) =>
        (filter.action === "" || action === filter.action) &&
        (who === "" || `${principal} ${name} ${address}`.toLowerCase().includes(who)) &&
        (filter.processor.trim() === "" || processor === filter.processor.trim()) &&
        (!since || Date.parse(time) >= since) &&
        (!until || Date.parse(time) <= until),
    )
    .toSorted((one, other) => other.sequence - one.sequence);
}

/** What the gateway names in its trail (docs/access.md, The audit trail). */
export const auditActions = [
  "processor.registered",
  "processor.removed",
  "processor.paused",
  "processor.resumed",
  "processor.rebuilt",
  "processor.adopted",
  "dead-letter.resent",
  "dead-letter.discarded",
  "key.made",
  "key.rotated",
  "key.revoked",
  "login",
  "refused",
];
