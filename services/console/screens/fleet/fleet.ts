import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { get } from "../../base/api.ts";
import { noteProcessors } from "../../base/history.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import { adviceFor } from "../../model/advice.ts";
import { countStates, fleetViewOf, processorsOf } from "../../model/fleet-view.ts";
import { formatNumber } from "../../model/format.ts";
import { states } from "../../model/states.ts";
import { textIn } from "../../parts/dialog.ts";
import { Failure } from "../../parts/notice.ts";
import { FleetTable } from "./fleet-table.ts";

async function loadFleet(signal: AbortSignal): Promise<Processor[]> {
  const { processors } = await get<{ processors: Processor[] }>("processors", signal);
  noteProcessors(processors, true);
  return processors;
}

/** All processors, and how each stands. */
export function Fleet({ address }: { address: Address }): Children {
  const { value: processors, error } = usePoll("fleet", loadFleet, { everyMs: 2_000 });
  const view = fleetViewOf(address.query);
  const shown = processorsOf(view, processors ?? []);
  return html`<h1>Fleet</h1>
    <${Failure} error=${error} />
    ${processors && html`<${Filters} address=${address} processors=${processors} search=${view.search} chosen=${view.state} />`}
    ${processors && processors.length === 0 && html`<${Empty} />`}
    ${
      processors &&
      processors.length > 0 &&
      html`<p class="quiet" role="status">
        ${
          shown.length === processors.length
            ? `${formatNumber(processors.length)} processors`
            : `${formatNumber(shown.length)} of ${formatNumber(processors.length)} processors`
        }
      </p>
      <${FleetTable} processors=${shown} view=${view} address=${address} />`
    }`;
}

function Filters({
  address,
  processors,
  search,
  chosen,
}: {
  address: Address;
  processors: Processor[];
  search: string;
  chosen: string;
}): Children {
  const counts = countStates(processors);
  const attention = processors.filter((processor) => adviceFor(processor) !== undefined).length;
  const choice = (state: string, text: string, count: number) =>
    html`<button
      type="button"
      key=${state}
      class="choice"
      aria-pressed=${chosen === state}
      onClick=${() => changeQuery(address, { state: chosen === state ? "" : state })}
    >
      ${text} <span class="count">${formatNumber(count)}</span>
    </button>`;
  return html`<div class="filters">
    <label>
      Search
      <input
        type="search"
        value=${search}
        onInput=${(event: InputEvent) => changeQuery(address, { q: textIn(event) })}
      />
    </label>
    <div class="choices" role="group" aria-label="Only in this state">
      ${attention > 0 && choice("attention", "⚠ something to do", attention)}
      ${states.map((state) => (counts.get(state) ?? 0) > 0 && choice(state, state, counts.get(state) ?? 0))}
    </div>
  </div>`;
}

function Empty(): Children {
  return html`<p>
    No processor is registered yet. Discovery registers those that it finds, and <code>PUT /processors/ID</code> registers
    one: see <a href="docs">the API</a>.
  </p>`;
}
