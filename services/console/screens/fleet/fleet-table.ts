import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { samplesOf } from "../../base/history.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import { useVisibleRows } from "../../base/use-visible-rows.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import { adviceFor } from "../../model/advice.ts";
import type { FleetColumn, FleetView } from "../../model/fleet-view.ts";
import { fleetColumns } from "../../model/fleet-view.ts";
import { formatNumber, formatSeconds } from "../../model/format.ts";
import { Sparkline } from "../../parts/sparkline.ts";
import { StateBadge } from "../../parts/state-badge.ts";

/** As style.css has it. */
const rowPx = 56;

interface TableProps {
  processors: Processor[];
  view: FleetView;
  address: Address;
}

/** The processors as a table of which only the rows that are seen are made. */
export function FleetTable({ processors, view, address }: TableProps): Children {
  const { scroller, first, end } = useVisibleRows(processors.length, rowPx);
  return html`<div class="fleet" ref=${scroller} tabindex="0" role="region" aria-label="Processors">
    <div role="table" aria-label="Processors" aria-rowcount=${processors.length + 1}>
      <div role="row" class="fleet-row fleet-head" aria-rowindex="1">
        ${(Object.keys(fleetColumns) as FleetColumn[]).map(
          (column) => html`<${ColumnHead} key=${column} column=${column} view=${view} address=${address} />`,
        )}
      </div>
      <div class="fleet-rows" role="rowgroup" style=${{ height: `${processors.length * rowPx}px` }}>
        <div role="presentation" style=${{ transform: `translateY(${first * rowPx}px)` }}>
          ${processors
            .slice(first, end)
            .map(
              (processor, index) =>
                html`<${Row} key=${processor.id} processor=${processor} rowIndex=${first + index + 2} />`,
            )}
        </div>
      </div>
    </div>
  </div>`;
}

function ColumnHead({
  column,
  view,
  address,
}: {
  column: FleetColumn;
  view: FleetView;
  address: Address;
}): Children {
  const isSorted = view.sort === column;
  const direction = view.isDescending ? "descending" : "ascending";
  const sort = () => changeQuery(address, { sort: column, desc: isSorted && !view.isDescending ? "1" : "" });
  return html`<div role="columnheader" class=${`cell-${column}`} aria-sort=${isSorted ? direction : "none"}>
    <button type="button" class="sort" onClick=${sort}>
      ${fleetColumns[column]} <span aria-hidden="true">${isSorted ? (view.isDescending ? "▼" : "▲") : ""}</span>
    </button>
  </div>`;
}

function Row({ processor, rowIndex }: { processor: Processor; rowIndex: number }): Children {
  const { id, name, state, depth, oldest_seconds, rate = 0, worker, endpoint } = processor;
  const advice = adviceFor(processor);
  const rates = samplesOf(id).map((sample) => sample.rate);
  return html`<div role="row" class="fleet-row" aria-rowindex=${rowIndex}>
    <div role="cell" class="cell-id">
      <a href=${formatAddress(["processors", id])}>${id}</a>
      ${name !== id && html`<span class="second">${name}</span>`}
    </div>
    <div role="cell" class="cell-state">
      <${StateBadge} state=${state} />
      ${
        advice &&
        html`<span class="second warning" title=${`${advice.problem} ${advice.remedy}`}>⚠ ${advice.remedy}</span>`
      }
    </div>
    <div role="cell" class="cell-depth number">${depth === null ? "–" : formatNumber(depth)}</div>
    <div role="cell" class="cell-oldest number">
      ${oldest_seconds === null || depth === 0 ? "–" : formatSeconds(oldest_seconds)}
    </div>
    <div role="cell" class="cell-rate number">
      <span>${formatNumber(rate, 1)}/s</span>
      <${Sparkline} values=${rates} label=${`Rate in the last minutes, now ${formatNumber(rate, 1)} a second`} />
    </div>
    <div role="cell" class="cell-worker" title=${worker ?? ""}>${worker ?? "–"}</div>
    <div role="cell" class="cell-endpoint" title=${endpoint}>${endpoint}</div>
  </div>`;
}
