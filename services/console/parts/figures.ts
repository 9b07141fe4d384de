import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { changeQuery } from "../base/use-address.ts";
import type { Address } from "../model/address.ts";
import type { Figure } from "../model/figures.ts";
import { figureNames, figureOf, figures, figureTitle } from "../model/figures.ts";
import { textIn } from "./dialog.ts";

/** By which figure predictions are sorted, which stands in the address. */
export function SortByFigure({ address }: { address: Address }): Children {
  const sort = figureOf(address.query.sort);
  return html`<div class="filters">
    <label>
      Sort by
      <select
        value=${sort}
        aria-describedby="figure-hint"
        onChange=${(event: Event) => changeQuery(address, { sort: textIn(event) })}
      >
        ${figureNames.map((name) => html`<option key=${name} value=${name}>${figureTitle(name)}</option>`)}
      </select>
    </label>
    <p class="hint" id="figure-hint">${figures[sort]}</p>
  </div>`;
}

/** What the colours of a prediction mean. */
export function PictureLegend(): Children {
  const parts = [
    ["past", "was before"],
    ["matched", "observed"],
    ["missing", "missing"],
    ["future", "is to come"],
    ["extra", "observed, and not of the model"],
  ];
  return html`<p class="legend" aria-hidden="true">
    ${parts.map(([part, text]) => html`<span key=${part} class=${`symbol symbol-${part}`}>${text}</span> `)}
  </p>`;
}

/** Every figure in a line. */
export function FigureExplanations(): Children {
  return html`<details>
    <summary>What the figures mean</summary>
    <dl class="explanations">
      ${figureNames.map(
        (name: Figure) =>
          html`<div key=${name}>
            <dt>${figureTitle(name)}</dt>
            <dd>${figures[name]}</dd>
          </div>`,
      )}
    </dl>
  </details>`;
}
