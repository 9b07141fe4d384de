import { useState } from "preact/hooks";
import type { Prediction } from "../../../../libs/client/types/processor.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import type { Address } from "../../model/address.ts";
import type { Figure } from "../../model/figures.ts";
import { figureNames, figureOf, figures, figureTitle, sortedBy } from "../../model/figures.ts";
import { textIn } from "../../parts/dialog.ts";
import { PredictionPicture } from "../../parts/prediction-picture.ts";

/** More are seldom read, and each is a picture. */
const shownAtFirst = 10;

/** Predictions as pictures, sorted by a figure that the address names. */
export function Predictions({
  predictions,
  address,
}: {
  predictions: Prediction[];
  address: Address;
}): Children {
  const sort = figureOf(address.query.sort);
  const [count, setCount] = useState(shownAtFirst);
  if (predictions.length === 0) {
    return html`<p>There are none. KATO predicts once it has learned something that begins like what it observes.</p>`;
  }
  const sorted = sortedBy(sort, predictions);
  return html`
    <div class="filters">
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
    </div>
    <${Legend} />
    <ol class="predictions">
      ${sorted
        .slice(0, count)
        .map(
          (prediction) =>
            html`<${PredictionPicture} key=${prediction.name} prediction=${prediction} sort=${sort} />`,
        )}
    </ol>
    ${
      sorted.length > count &&
      html`<button type="button" onClick=${() => setCount(count + 50)}>Show more of ${sorted.length}</button>`
    }
    <${Explanations} />
  `;
}

function Legend(): Children {
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

function Explanations(): Children {
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
