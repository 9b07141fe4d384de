import { useState } from "preact/hooks";
import type { Prediction } from "../../../../libs/client/types/processor.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { Address } from "../../model/address.ts";
import { figureOf, sortedBy } from "../../model/figures.ts";
import { FigureExplanations, PictureLegend, SortByFigure } from "../../parts/figures.ts";
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
    return html`<p>There are none. Once it has learned something, observe a part of that, and it predicts the rest.</p>`;
  }
  const sorted = sortedBy(sort, predictions);
  return html`
    <${SortByFigure} address=${address} />
    <${PictureLegend} />
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
    <${FigureExplanations} />
  `;
}
