import { useState } from "preact/hooks";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";

import { shortName } from "../model/format.ts";

/** More would take the browser long, and nobody reads them. */
const shownAtFirst = 100;

export function SymbolChip({ text, part = "plain" }: { text: string; part?: string }): Children {
  return html`<span class=${`symbol symbol-${part}`} title=${text}>${shortName(text) || "(empty)"}</span>`;
}

/** Events in a row, the latest last; the latest hundred of them at first. Those that differ from others are marked. */
export function Events({
  events,
  label,
  isMarked = () => false,
}: {
  events: string[][];
  label: string;
  isMarked?: (index: number) => boolean;
}): Children {
  const [isWhole, setWhole] = useState(false);
  if (events.length === 0) return html`<p class="quiet">It is empty.</p>`;
  const hidden = isWhole ? 0 : Math.max(0, events.length - shownAtFirst);
  return html`
    ${hidden > 0 && html`<button type="button" onClick=${() => setWhole(true)}>Show ${hidden} earlier</button>`}
    <ol class="events" aria-label=${label} start=${hidden + 1}>
      ${events.slice(hidden).map(
        (event, index) =>
          html`<li class=${isMarked(hidden + index) ? "event differs" : "event"} key=${hidden + index}>
            ${isMarked(hidden + index) && html`<span class="unseen">differs: </span>`}
            ${event.map((symbol, place) => html`<${SymbolChip} key=${place} text=${symbol} />`)}
          </li>`,
      )}
    </ol>
  `;
}
