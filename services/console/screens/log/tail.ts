import { useRef } from "preact/hooks";
import type { LoggedCommand } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import type { LogFilter } from "../../model/log-view.ts";
import { pageSize } from "../../model/log-view.ts";
import { Failure } from "../../parts/notice.ts";
import { loadPage, withLatest } from "./load-log.ts";
import { LogTable } from "./log-table.ts";

/** How many of the latest commands are looked at again, as they may have come to their end since. */
const lookedAtAgain = 20;

/** The end of the log as it grows, the latest command first. */
export function Tail({
  id,
  filter,
  last,
  address,
}: {
  id: string;
  filter: LogFilter;
  last: number;
  address: Address;
}): Children {
  const kept = useRef<LoggedCommand[]>([]);
  const from = useRef(Math.max(1, last - lookedAtAgain + 1));
  const { value, error } = usePoll(
    `tail ${id}`,
    async (signal) => {
      const { commands, next } = await loadPage(id, filter, { from: from.current, limit: pageSize }, signal);
      kept.current = withLatest(kept.current, commands);
      const end = kept.current.at(-1)?.sequence ?? from.current;
      from.current = next ?? Math.max(from.current, end - lookedAtAgain + 1);
      return kept.current;
    },
    { everyMs: 1_000 },
  );
  return html`<${Failure} error=${error} />
    ${value && html`<${LogTable} entries=${value.toReversed()} address=${address} />`}
    ${value?.length === 0 && html`<p class="quiet">Nothing yet. New commands show here.</p>`}`;
}
