import type { LoggedCommand } from "../../../../libs/client/types/gateway.ts";
import { pathOf, queryOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useEvents } from "../../base/use-events.ts";
import type { Address } from "../../model/address.ts";
import type { LogFilter } from "../../model/log-view.ts";
import { withLatest } from "./load-log.ts";
import { LogTable } from "./log-table.ts";

/** So many commands are shown that were there before, and are asked for again by a page that was hidden. */
const before = 20;

/** The end of the log as it grows, the latest command first. */
export function Tail({
  id,
  filter: { method, outcome, sender, since, until },
  last,
  address,
}: {
  id: string;
  filter: LogFilter;
  last: number;
  address: Address;
}): Children {
  const commands = useEvents<{ commands: LoggedCommand[] }, LoggedCommand[]>(id, {
    pathFrom: (known) => {
      const from = Math.max(1, (known?.at(-1)?.sequence ?? last) + 1 - before);
      return `${pathOf("processors", id, "log", "events")}${queryOf({ from, method, outcome, sender, since, until })}`;
    },
    take: (known = [], event) => withLatest(known, event.commands),
  });
  if (!commands) return html`<p class="quiet">Nothing yet. New commands show here.</p>`;
  return html`<${LogTable} entries=${commands.toReversed()} address=${address} />`;
}
