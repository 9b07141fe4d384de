import type { Prediction } from "../../../../libs/client/types/processor.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import type { ComparedPrediction } from "../../model/compare.ts";
import { comparePredictions, comparisonInWords, differingEvents } from "../../model/compare.ts";
import type { Figure } from "../../model/figures.ts";
import { figureOf } from "../../model/figures.ts";
import { shortName } from "../../model/format.ts";
import type { State } from "../../model/states.ts";
import { Events } from "../../parts/events.ts";
import { FigureExplanations, PictureLegend, SortByFigure } from "../../parts/figures.ts";
import { Failure } from "../../parts/notice.ts";
import { PredictionPicture } from "../../parts/prediction-picture.ts";
import { StateBadge } from "../../parts/state-badge.ts";
import type { Side } from "./load-sides.ts";

/** More are seldom read, and each is two pictures. */
const shownPredictions = 30;

interface ComparisonProps {
  sides: readonly [Side, Side];
  states: readonly State[];
  address: Address;
}

/** What two processors have in mind, know and predict, with what differs marked. */
export function Comparison({ sides, states, address }: ComparisonProps): Children {
  const [left, right] = sides;
  const figure = figureOf(address.query.sort);
  const events = differingEvents(left.events, right.events);
  const predictions = comparePredictions(left.predictions, right.predictions, figure);
  const genes = left.genes.map(({ gene, now }) => {
    const other = right.genes.find((each) => each.gene === gene)?.now ?? "–";
    return { gene, values: [now, other], isSame: now === other };
  });
  const otherGenes = genes.filter(({ isSame }) => !isSame).map(({ gene }) => gene);
  const isKnown = sides.every(({ error }) => error === undefined);
  return html`
    ${isKnown && html`<p class="notice" role="status">${comparisonInWords(events.size, predictions, otherGenes)}</p>`}
    <div class="sides">
      ${sides.map(
        ({ id, events: own, error }, index) =>
          html`<section class="panel" key=${id}>
            <div class="title">
              <h2><a href=${formatAddress(["processors", id])}>${id}</a></h2>
              ${states[index] && html`<${StateBadge} state=${states[index]} />`}
            </div>
            <${Failure} error=${error} />
            ${
              error === undefined &&
              html`<h3>Working memory</h3>
              <${Events}
                events=${own}
                label=${`Events of working memory of ${id}`}
                isMarked=${(place: number) => isKnown && events.has(place)}
              />`
            }
          </section>`,
      )}
    </div>
    ${
      isKnown &&
      html`<${Predictions} sides=${sides} predictions=${predictions} figure=${figure} address=${address} />
      <section class="panel">
        <h2>Genes</h2>
        <div class="table" tabindex="0" role="region" aria-label="Genes of both">
          <table>
            <thead><tr><th>Gene</th>${sides.map(({ id }) => html`<th key=${id}>${id}</th>`)}</tr></thead>
            <tbody>
              ${genes.map(
                ({ gene, values, isSame }) =>
                  html`<tr key=${gene} class=${isSame ? "" : "differs"}>
                    <td>${gene}</td>
                    ${values.map((value, index) => html`<td key=${index} class="number">${value}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>`
    }
  `;
}

function Predictions({
  sides,
  predictions,
  figure,
  address,
}: {
  sides: readonly [Side, Side];
  predictions: readonly ComparedPrediction[];
  figure: Figure;
  address: Address;
}): Children {
  const onlyOthers = address.query.differing === "1";
  const shown = predictions.filter(({ isSame }) => !onlyOthers || !isSame).slice(0, shownPredictions);
  const toggle = () => changeQuery(address, { differing: onlyOthers ? "" : "1" });
  return html`<section class="panel">
    <h2>Predictions</h2>
    ${predictions.length === 0 && html`<p>There are none. Once it has learned something, observe a part of that, and it predicts the rest.</p>`}
    ${
      predictions.length > 0 &&
      html`<${SortByFigure} address=${address} />
      <label class="option">
        <input type="checkbox" checked=${onlyOthers} onChange=${toggle} /> Only those that differ
      </label>
      <${PictureLegend} />
      ${shown.length === 0 && html`<p>None differs.</p>`}
      ${shown.map(
        ({ name, left, right, isSame }) =>
          html`<div class="compared" key=${name}>
            <h3 title=${name}>${shortName(name)} <span class=${isSame ? "quiet" : "mark"}>${isSame ? "the same" : "differs"}</span></h3>
            <div class="sides">
              <${SidePrediction} id=${sides[0].id} prediction=${left} figure=${figure} />
              <${SidePrediction} id=${sides[1].id} prediction=${right} figure=${figure} />
            </div>
          </div>`,
      )}
      <${FigureExplanations} />`
    }
  </section>`;
}

function SidePrediction({
  id,
  prediction,
  figure,
}: {
  id: string;
  prediction: Prediction | undefined;
  figure: Figure;
}): Children {
  return prediction
    ? html`<ul class="predictions"><${PredictionPicture} prediction=${prediction} sort=${figure} title=${id} /></ul>`
    : html`<div><b>${id}</b><p class="quiet">Does not predict it.</p></div>`;
}
