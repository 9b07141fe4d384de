import { useState } from "preact/hooks";
import type { Processor, Session } from "../../../../libs/client/types/gateway.ts";
import { get, pathOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { usePoll } from "../../base/use-poll.ts";
import { mayDo } from "../../model/access.ts";
import type { Address } from "../../model/address.ts";
import { Failure } from "../../parts/notice.ts";
import { ObserveForm } from "../../parts/observe-form.ts";
import { versionOf } from "../../parts/working-memory.ts";
import { ChooseSides } from "./choose-sides.ts";
import { Comparison } from "./comparison.ts";
import { loadSides } from "./load-sides.ts";

/** Two processors side by side. Which they are stands in the address. */
export function Compare({ who, address }: { who: Session; address: Address }): Children {
  const { left = "", right = "" } = address.query;
  return html`<h1>Compare</h1>
    <${ChooseSides} left=${left} right=${right} address=${address} />
    ${
      left !== "" && right !== "" && left !== right
        ? html`<${Compared} key=${`${left} ${right}`} left=${left} right=${right} who=${who} address=${address} />`
        : html`<p class="quiet">Choose two processors to see what differs between them, and to tell both the same.</p>`
    }`;
}

interface Sides {
  left: string;
  right: string;
  who: Session;
  address: Address;
}

function Compared(sides: Sides): Children {
  const ids = [sides.left, sides.right];
  const { value, error } = usePoll(
    `both ${ids.join(" ")}`,
    (signal) => Promise.all(ids.map((id) => get<Processor>(pathOf("processors", id), signal))),
    { everyMs: 2_000 },
  );
  return html`<${Failure} error=${error} />
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${value && html`<${SideBySide} processors=${value} ...${sides} />`}`;
}

function SideBySide({
  left,
  right,
  who,
  address,
  processors,
}: Sides & { processors: Processor[] }): Children {
  const ids = [left, right] as const;
  const [sent, setSent] = useState(0);
  const version = `${sent} ${processors.map((processor) => versionOf(processor)).join(" ")}`;
  const { value } = usePoll(`sides ${ids.join(" ")}`, (signal) => loadSides(ids, signal), { version });
  const onSent = () => setSent((count) => count + 1);
  const states = processors.map(({ state }) => state);
  const comparison = value
    ? html`<${Comparison} sides=${value} states=${states} address=${address} />`
    : html`<p class="quiet">Loading…</p>`;
  if (!mayDo(who.grants, "write")) return comparison;
  return html`<div class="try">
    <${ObserveForm} ids=${ids} onSent=${onSent} />
    <div>${comparison}</div>
  </div>`;
}
