import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { samplesOf } from "../../base/history.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { ProcessorScreenProps } from "../../base/screen-props.ts";
import { mayDo } from "../../model/access.ts";
import { formatNumber, formatSeconds } from "../../model/format.ts";
import { HealthChart } from "../../parts/health-chart.ts";
import { Ingestions } from "../../parts/ingestions.ts";
import { When } from "../../parts/when.ts";
import { WorkingMemory } from "../../parts/working-memory.ts";
import { Genes } from "./genes.ts";
import { Operate } from "./operate.ts";

/** How one processor stands, and what can be done with it. */
export function Overview({ processor, who, refresh }: ProcessorScreenProps): Children {
  return html`
    ${mayDo(who.grants, "operate") && html`<${Operate} processor=${processor} refresh=${refresh} />`}
    <div class="columns">
      <section class="panel">
        <h2>How it stands</h2>
        <${Facts} processor=${processor} />
      </section>
      <div>
        <section class="panel">
          <h2>Health over time</h2>
          <${HealthChart} samples=${samplesOf(processor.id)} />
        </section>
        <section class="panel">
          <h2>Working memory</h2>
          <${WorkingMemory} processor=${processor} />
        </section>
        <section class="panel">
          <h2>${mayDo(who.grants, "operate") ? "Ingestions under way" : "Your ingestions under way"}</h2>
          <${Ingestions} id=${processor.id} />
        </section>
      </div>
      <section class="panel">
        <h2>Genes</h2>
        <${Genes} processor=${processor} mayChange=${mayDo(who.grants, "write")} />
      </section>
    </div>
  `;
}

function Facts({ processor }: { processor: Processor }): Children {
  const { depth, oldest_seconds, rate, applied, last, worker, endpoint, grpc_tls, source, interval, since } =
    processor;
  const facts: [string, Children][] = [
    ["Waiting", depth === null ? "–" : formatNumber(depth)],
    ["Oldest waits for", oldest_seconds === null || depth === 0 ? "–" : formatSeconds(oldest_seconds)],
    ["Applied", applied === null ? "–" : `${formatNumber(applied)} of ${formatNumber(last ?? applied)}`],
    ["Rate", `${formatNumber(rate ?? 0, 1)} a second`],
    ["Observations", interval === undefined ? "–" : formatNumber(interval)],
    ["In this state since", since === undefined ? "–" : html`<${When} time=${since} />`],
    ["Worker", worker ?? "–"],
    ["Endpoint", `${endpoint}${grpc_tls ? " (TLS)" : ""}`],
    ["Registered by", source],
    ["Paused by", processor.paused ? (processor.paused_by ?? "a person") : "–"],
  ];
  return html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
