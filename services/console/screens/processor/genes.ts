import { useState } from "preact/hooks";
import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { pathOf, send } from "../../base/api.ts";
import { loadGenes } from "../../base/genes.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { usePoll } from "../../base/use-poll.ts";
import { genes } from "../../model/genes.ts";
import { textIn } from "../../parts/dialog.ts";
import { Told, Unasked } from "../../parts/notice.ts";

/** The genes of a processor. Those who may write can change them. */
export function Genes({ processor, mayChange }: { processor: Processor; mayChange: boolean }): Children {
  const { id, healthy } = processor;
  const { value, error, refresh } = usePoll(`genes ${id}`, (signal) => loadGenes(id, signal), {
    version: healthy,
  });
  return html`<${Unasked} processor=${processor} error=${error} />
    ${
      value &&
      error === undefined &&
      html`<ul class="genes">
      ${value.map(
        ({ gene, now }) =>
          html`<${Gene} key=${gene} id=${id} gene=${gene} now=${now} mayChange=${mayChange} onChanged=${refresh} />`,
      )}
    </ul>`
    }`;
}

function Gene({
  id,
  gene,
  now,
  mayChange,
  onChanged,
}: {
  id: string;
  gene: string;
  now: string;
  mayChange: boolean;
  onChanged: () => Promise<void>;
}): Children {
  const [written, setWritten] = useState<string>();
  const action = useAction();
  const change = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run(async () => {
      await send("POST", pathOf(id, "genes", "change"), {
        body: { data: { [gene]: geneValue(written ?? now) } },
      });
      await onChanged();
      setWritten(undefined);
      return "Changed.";
    });
  };
  const hint = `${gene}-hint`;
  if (!mayChange) {
    return html`<li><b>${gene}</b> <output>${now}</output><span class="hint">${genes[gene]}</span></li>`;
  }
  return html`<li>
    <form onSubmit=${change}>
      <label>
        ${gene}
        <input
          value=${written ?? now}
          inputmode="decimal"
          aria-describedby=${hint}
          onInput=${(event: InputEvent) => setWritten(textIn(event))}
        />
      </label>
      ${written !== undefined && written !== now && html`<button disabled=${action.isRunning}>Change</button>`}
      <span class="hint" id=${hint}>${genes[gene]}</span>
      <${Told} action=${action} />
    </form>
  </li>`;
}

/** What is no number is sent as it is: the gateway says what is wrong with it. */
function geneValue(text: string): unknown {
  if (text.trim() === "true" || text.trim() === "false") return text.trim() === "true";
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}
