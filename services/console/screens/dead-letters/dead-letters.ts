import { useState } from "preact/hooks";
import type { DeadLetter } from "../../../../libs/client/types/gateway.ts";
import { get, pathOf, queryOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { ProcessorScreenProps } from "../../base/screen-props.ts";
import { changeQuery } from "../../base/use-address.ts";
import { usePoll } from "../../base/use-poll.ts";
import { Failure } from "../../parts/notice.ts";
import { ActOnLetters } from "./act-on-letters.ts";
import { Letter } from "./letter.ts";
import { LetterTable } from "./letter-table.ts";

const pageSize = 100;

export interface LetterPage {
  dead_letters: DeadLetter[];
  next?: number;
}

/** Commands that failed while nobody waited for them: what is to become of each. */
export function DeadLetters({ processor, address, refresh }: ProcessorScreenProps): Children {
  const { id } = processor;
  const { from = "", letter = "" } = address.query;
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { value, error, ...list } = usePoll(
    `dead letters ${id} ${from}`,
    (signal) =>
      get<LetterPage>(
        `${pathOf("processors", id, "dead-letters")}${queryOf({ from, limit: pageSize })}`,
        signal,
      ),
    { everyMs: 4_000 },
  );
  const letters = value?.dead_letters ?? [];
  // One that has gone meanwhile is not among those that are meant.
  const meant = letters.map(({ sequence }) => sequence).filter((sequence) => chosen.has(sequence));
  const [told, setTold] = useState("");
  const onDone = async (text: string) => {
    setTold(text);
    setChosen(new Set());
    await Promise.all([list.refresh(), refresh()]);
  };
  const open = letters.find(({ sequence }) => String(sequence) === letter);
  return html`
    <${Failure} error=${error} />
    <div role="status">${told !== "" && html`<p class="notice done">${told}</p>`}</div>
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${value && letters.length === 0 && html`<p>There are none${from === "" ? "" : " from there on"}: nothing has failed while nobody waited for it.</p>`}
    ${
      letters.length > 0 &&
      html`<p class="hint">
      Commands that failed while nobody waited for them. Open one by its sequence to see why, to correct it and to send it.
    </p>`
    }
    ${value && html`<${ActOnLetters} id=${id} meant=${meant} hasAny=${letters.length > 0} onDone=${onDone} />`}
    ${
      open &&
      html`<${Letter}
      key=${letter}
      id=${id}
      letter=${open}
      onClose=${() => changeQuery(address, { letter: "" })}
      onDone=${onDone}
    />`
    }
    ${
      letters.length > 0 &&
      html`<${LetterTable} letters=${letters} chosen=${chosen} onChoose=${setChosen} address=${address} />`
    }
    <div class="buttons">
      ${from !== "" && html`<button type="button" onClick=${() => changeQuery(address, { from: "" })}>From the first</button>`}
      ${
        value?.next !== undefined &&
        html`<button type="button" onClick=${() => changeQuery(address, { from: String(value.next) })}>Later</button>`
      }
    </div>
  `;
}
