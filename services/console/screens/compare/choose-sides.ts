import { useState } from "preact/hooks";
import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { get } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import { textIn } from "../../parts/dialog.ts";

/** Which two processors are compared: chosen from a list, or written. */
export function ChooseSides({
  left,
  right,
  address,
}: {
  left: string;
  right: string;
  address: Address;
}): Children {
  const { value: ids = [] } = usePoll("ids", async (signal) => {
    const { processors } = await get<{ processors: Processor[] }>("processors", signal);
    return processors.map(({ id }) => id);
  });
  const swap = () => changeQuery(address, { left: right, right: left });
  return html`<div class="filters">
    <${Side} name="left" title="Left" id=${left} ids=${ids} address=${address} />
    <${Side} name="right" title="Right" id=${right} ids=${ids} address=${address} />
    ${left !== "" && right !== "" && html`<button type="button" onClick=${swap}>Swap</button>`}
    ${left !== "" && left === right && html`<p class="error-text">They are the same processor.</p>`}
  </div>`;
}

/** More are too many to choose from: then the id is written, and the browser completes it. */
const maxListed = 50;

function Side({
  name,
  title,
  id,
  ids,
  address,
}: {
  name: "left" | "right";
  title: string;
  id: string;
  ids: readonly string[];
  address: Address;
}): Children {
  const [written, setWritten] = useState<string>();
  const choose = (event: Event) => {
    changeQuery(address, { [name]: textIn(event).trim() });
    setWritten(undefined);
  };
  if (ids.length <= maxListed) {
    return html`<label>
      ${title}
      <select class="middle" value=${id} onChange=${choose}>
        ${!ids.includes(id) && html`<option value=${id}>${id || "Choose…"}</option>`}
        ${ids.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
      </select>
    </label>`;
  }
  return html`<label>
    ${title}
    <input
      class="middle"
      list=${`ids-${name}`}
      value=${written ?? id}
      onInput=${(event: InputEvent) => setWritten(textIn(event))}
      onChange=${choose}
    />
    <datalist id=${`ids-${name}`}>${ids.map((each) => html`<option key=${each} value=${each} />`)}</datalist>
  </label>`;
}
