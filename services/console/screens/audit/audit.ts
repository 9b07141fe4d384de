import { useRef } from "preact/hooks";
import type { AuditEntry, AuditPage } from "../../../../libs/client/types/gateway.ts";
import { get, queryOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import { auditFilterOf, entriesOf, isAuditFiltered } from "../../model/audit-view.ts";
import { formatNumber } from "../../model/format.ts";
import { Failure, Told } from "../../parts/notice.ts";
import { AuditFilters } from "./audit-filters.ts";
import { AuditTable } from "./audit-table.ts";

/** As many as the gateway gives at once. */
const pageSize = 1_000;
/** More rows take a browser long. */
const shownRows = 300;

/** Who has changed what, and who was refused: the newest entries, and as many older ones as are wanted. */
export function Audit({ address }: { address: Address }): Children {
  const kept = useRef<readonly AuditEntry[]>([]);
  const action = useAction();
  const load = async (query: Parameters<typeof queryOf>[0], signal?: AbortSignal) =>
    (await get<AuditPage>(`audit${queryOf({ limit: pageSize, ...query })}`, signal)).entries;
  const {
    value: all,
    error,
    refresh,
  } = usePoll(
    "audit",
    async (signal) => {
      const last = kept.current.at(-1)?.sequence;
      const latest = await load(last === undefined ? {} : { from: last + 1 }, signal);
      if (latest.length > 0) kept.current = [...kept.current, ...latest];
      return kept.current;
    },
    { everyMs: 5_000 },
  );
  const first = all?.[0]?.sequence ?? 1;
  const lookBack = () =>
    action.run(async () => {
      const from = Math.max(1, first - pageSize);
      const before = (await load({ from, limit: first - from })).filter(({ sequence }) => sequence < first);
      kept.current = [...before, ...kept.current];
      await refresh();
      return before.length === 0 ? "There are no older ones: the trail begins here." : undefined;
    });
  const filter = auditFilterOf(address.query);
  const wanted = entriesOf(filter, all ?? []);
  return html`<h1>Audit</h1>
    <${AuditFilters} key=${JSON.stringify(filter)} filter=${filter} address=${address} />
    <${Failure} error=${error} />
    ${!all && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${
      all &&
      html`<p class="quiet" role="status">
        ${formatNumber(wanted.length)} of the newest ${formatNumber(all.length)} entries${isAuditFiltered(filter) ? " are wanted by this" : ""}.
      </p>
      <${AuditTable} entries=${wanted.slice(0, shownRows)} />
      ${wanted.length > shownRows && html`<p class="quiet">The newest ${shownRows} are shown.</p>`}
      <${Told} action=${action} />
      ${first > 1 && html`<div class="buttons"><button type="button" disabled=${action.isRunning} onClick=${lookBack}>Look further back</button></div>`}`
    }`;
}
