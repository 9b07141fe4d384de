import { useState } from "preact/hooks";
import type { Envelope, Prediction } from "../../../../libs/client/types/processor.ts";
import { get, pathOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { ProcessorScreenProps } from "../../base/screen-props.ts";
import { usePoll } from "../../base/use-poll.ts";
import { mayDo } from "../../model/access.ts";
import { Unasked } from "../../parts/notice.ts";
import { ObserveForm } from "../../parts/observe-form.ts";
import { versionOf, WorkingMemory } from "../../parts/working-memory.ts";
import { Predictions } from "./predictions.ts";

/** Telling a processor something by hand, and seeing what it predicts. */
export function TryIt({ processor, who, address, refresh }: ProcessorScreenProps): Children {
  const { id } = processor;
  // What was sent here is shown at once, and not only when the processor's state is heard of.
  const [sent, setSent] = useState(0);
  const version = versionOf(processor, sent);
  const { value, error } = usePoll(
    `predictions ${id}`,
    (signal) => get<Envelope<Prediction[]>>(pathOf(id, "predictions"), signal),
    { version },
  );
  const onSent = () => {
    setSent((count) => count + 1);
    void refresh();
  };
  return html`<div class="try">
    <div>
      ${mayDo(who.grants, "write") && html`<${ObserveForm} ids=${[id]} onSent=${onSent} />`}
      <section class="panel">
        <h2>Working memory</h2>
        <${WorkingMemory} processor=${processor} version=${sent} />
      </section>
    </div>
    <section class="panel">
      <h2>Predictions</h2>
      <${Unasked} processor=${processor} error=${error} />
      ${value && error === undefined && html`<${Predictions} predictions=${value.message} address=${address} />`}
    </section>
  </div>`;
}
