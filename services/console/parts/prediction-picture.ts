import { useState } from "preact/hooks";
import type { Prediction } from "../../../libs/client/types/processor.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import type { Figure } from "../model/figures.ts";
import { figureNames, figures, figureTitle } from "../model/figures.ts";
import { formatNumber, shortName } from "../model/format.ts";
import type { PicturedEvent } from "../model/picture.ts";
import { aroundPresent, pictureInWords, pictureOf } from "../model/picture.ts";
import { SymbolChip } from "./events.ts";

const eventsAtFirst = 24;

/** One prediction: the events of its model in a row, and its figures. Without a title it has the model's name. */
export function PredictionPicture({
  prediction,
  sort,
  title,
}: {
  prediction: Prediction;
  sort: Figure;
  title?: string;
}): Children {
  const [isWhole, setWhole] = useState(false);
  const all = pictureOf(prediction);
  const { shown, before, after } = aroundPresent(all, isWhole ? Number.POSITIVE_INFINITY : eventsAtFirst);
  const { name, extras, emotives, frequency } = prediction;
  const feelings = Object.entries(emotives);
  const rest = (count: number) =>
    count > 0 &&
    html`<button type="button" onClick=${() => setWhole(true)}>${formatNumber(count)} more</button>`;
  return html`<li class="prediction">
    <div class="prediction-head">
      <b title=${name}>${title ?? shortName(name)}</b>
      <span title=${figures[sort]}>${figureTitle(sort)} <b>${formatNumber(prediction[sort], 3)}</b></span>
      ${sort !== "frequency" && html`<span class="quiet" title=${figures.frequency}>learned ${frequency}×</span>`}
    </div>
    <p class="unseen">${pictureInWords(prediction)}</p>
    <div class="picture">
      ${rest(before)}
      ${groupsOf(shown).map(
        ({ time, events }) =>
          html`<div key=${time} class=${`time time-${time}`}>
            <span class="time-name" aria-hidden="true">${time}</span>
            <div class="events" aria-hidden="true">
              ${events.map(
                (event, index) =>
                  html`<span class="event" key=${index}>
                    ${event.symbols.map(
                      ({ symbol, part }, place) =>
                        html`<${SymbolChip} key=${place} text=${symbol} part=${part} />`,
                    )}
                  </span>`,
              )}
            </div>
          </div>`,
      )}
      ${rest(after)}
    </div>
    ${
      extras.length > 0 &&
      html`<p class="extras" aria-hidden="true">
      extra ${extras.map((symbol, index) => html`<${SymbolChip} key=${index} text=${symbol} part="extra" />`)}
    </p>`
    }
    ${
      feelings.length > 0 &&
      html`<p class="emotives">
      ${feelings.map(([feeling, value]) => html`<span key=${feeling}>${feeling} <b>${formatNumber(value, 3)}</b></span> `)}
    </p>`
    }
    <details>
      <summary>All figures</summary>
      <dl class="figures">
        ${figureNames.map(
          (figure) =>
            html`<div key=${figure} title=${figures[figure]}>
              <dt>${figureTitle(figure)}</dt>
              <dd>${formatNumber(prediction[figure], 6)}</dd>
            </div>`,
        )}
      </dl>
    </details>
  </li>`;
}

/** The events by whether they are past, present or future, in this order. */
function groupsOf(
  events: readonly PicturedEvent[],
): { time: PicturedEvent["time"]; events: PicturedEvent[] }[] {
  return (["past", "present", "future"] as const)
    .map((time) => ({ time, events: events.filter((event) => event.time === time) }))
    .filter((group) => group.events.length > 0);
}
