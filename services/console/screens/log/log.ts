import { useState } from "preact/hooks";
import type { LoggedCommand } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { saveFile } from "../../base/save-file.ts";
import type { ProcessorScreenProps } from "../../base/screen-props.ts";
import { useAction } from "../../base/use-action.ts";
import { changeQuery } from "../../base/use-address.ts";
import { usePoll } from "../../base/use-poll.ts";
import { formatNumber } from "../../model/format.ts";
import { firstOfPage, logFilterOf, pageSize } from "../../model/log-view.ts";
import { Failure, Told } from "../../parts/notice.ts";
import { Entry } from "./entry.ts";
import { exportLog, loadPage } from "./load-log.ts";
import { LogFilters } from "./log-filters.ts";
import { LogTable } from "./log-table.ts";
import { Tail } from "./tail.ts";

/** The command log: a page of it, or its end as it grows. */
export function Log({ processor, address }: ProcessorScreenProps): Children {
  const { id, last = 0 } = processor;
  const filter = logFilterOf(address.query);
  const { tail, entry = "" } = address.query;
  const { from: _from, ...wanted } = filter;
  const action = useAction();
  const [exported, setExported] = useState(0);

  const save = () =>
    action.run(async () => {
      setExported(0);
      const { lines, isComplete } = await exportLog(id, filter, setExported);
      saveFile(`${id}-log.ndjson`, "application/x-ndjson", lines);
      return isComplete
        ? `Exported ${formatNumber(lines.length)} commands.`
        : `Exported the first ${formatNumber(lines.length)} commands. Choose a time or a sequence to get the others.`;
    });
  const setTail = (isOn: boolean) => changeQuery(address, { tail: isOn ? "1" : "", from: "" });
  return html`
    <${LogFilters} key=${JSON.stringify(filter)} filter=${filter} address=${address} />
    <div class="buttons">
      <button type="button" aria-pressed=${tail === "1"} onClick=${() => setTail(tail !== "1")}>
        ${tail === "1" ? "Stop following" : "Follow the end"}
      </button>
      <button type="button" disabled=${action.isRunning} onClick=${save}>
        ${action.isRunning ? `Exporting… ${formatNumber(exported)}` : "Export as NDJSON"}
      </button>
    </div>
    <${Told} action=${action} />
    ${entry !== "" && html`<${Entry} key=${entry} id=${id} sequence=${entry} address=${address} />`}
    ${
      tail === "1"
        ? html`<${Tail} key=${JSON.stringify(wanted)} id=${id} filter=${filter} last=${last} address=${address} />`
        : html`<${Page} key=${JSON.stringify(filter)} id=${id} filter=${filter} last=${last} address=${address} />`
    }
  `;
}

function Page({
  id,
  filter,
  last,
  address,
}: {
  id: string;
  filter: ReturnType<typeof logFilterOf>;
  last: number;
  address: ProcessorScreenProps["address"];
}): Children {
  // Where the page begins stays as it was when it was opened: rows do not run away from their reader.
  const [first] = useState(() => firstOfPage(filter, last));
  const { value, error } = usePoll(`log ${id} ${first}`, (signal) =>
    loadPage(id, filter, { from: first, limit: pageSize }, signal),
  );
  const entries: LoggedCommand[] = value?.commands ?? [];
  const goTo = (from: number | undefined) =>
    changeQuery(address, { from: from === undefined ? "" : String(from) });
  return html`<${Failure} error=${error} />
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${value && html`<${LogTable} entries=${entries} address=${address} />`}
    ${
      value &&
      entries.length === 0 &&
      html`<p>
      ${value.next === undefined ? "No command is wanted by this." : `None before sequence ${value.next}: go on from there.`}
    </p>`
    }
    <div class="buttons">
      ${first > 1 && html`<button type="button" onClick=${() => goTo(Math.max(1, first - pageSize))}>Earlier</button>`}
      ${value?.next !== undefined && html`<button type="button" onClick=${() => goTo(value.next)}>Later</button>`}
      ${filter.from !== undefined && html`<button type="button" onClick=${() => goTo(undefined)}>Latest</button>`}
    </div>`;
}
