import { useState } from "preact/hooks";
import type { Envelope } from "../../../../libs/client/types/processor.ts";
import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { shortName } from "../../model/format.ts";
import type { ObservationInput } from "../../model/observation-input.ts";
import { readObservation } from "../../model/observation-input.ts";
import { ConfirmByName, Dialog, textIn } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";

const empty: ObservationInput = { strings: "", vectors: "", emotives: "" };

/** Observing, learning and clearing by hand. */
export function ObserveForm({ id, onSent }: { id: string; onSent: () => void }): Children {
  const [input, setInput] = useState(empty);
  const [wrong, setWrong] = useState<{ field: keyof ObservationInput; error: string }>();
  const [isClearing, setClearing] = useState(false);
  const action = useAction();

  const act = (run: () => Promise<string>) =>
    action.run(async () => {
      const text = await run();
      onSent();
      return text;
    });
  const observe = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readObservation(input);
    setWrong("error" in read ? read : undefined);
    if ("error" in read) return;
    void act(async () => {
      const { message } = await send<Envelope<{ auto_learned_model: string }>>(
        "POST",
        pathOf(id, "observe"),
        {
          body: read.observation,
        },
      );
      setInput(empty);
      const learned = message.auto_learned_model;
      return learned === "" ? "Observed." : `Observed, and learned ${shortName(learned)} by itself.`;
    });
  };
  const learn = () =>
    act(async () => {
      const { message } = await send<Envelope<string>>("POST", pathOf(id, "learn"));
      return message === "" ? "There was too little to learn." : `Learned ${shortName(message)}.`;
    });
  const clear = () =>
    act(async () => {
      await send("POST", pathOf(id, "working-memory", "clear"));
      return "Working memory is empty.";
    });
  const clearAll = async () => {
    await act(async () => {
      await send("POST", pathOf(id, "clear-all-memory"));
      return "Everything it has learned is cleared.";
    });
    setClearing(false);
  };

  const field = (name: keyof ObservationInput, title: string, hint: string, rows: number) => {
    const isWrong = wrong?.field === name;
    return html`<label>
        ${title}
        <textarea
          name=${name}
          rows=${rows}
          value=${input[name]}
          aria-describedby=${`${name}-hint`}
          aria-invalid=${isWrong}
          onInput=${(event: InputEvent) => setInput({ ...input, [name]: textIn(event) })}
          onKeyDown=${submitOnControlEnter}
        />
      </label>
      <p class="hint" id=${`${name}-hint`}>${isWrong ? html`<b class="error-text">${wrong.error}</b>` : hint}</p>`;
  };
  return html`<form class="panel" onSubmit=${observe}>
    <h2>Observe</h2>
    ${field("strings", "Symbols of one event", "With commas or line breaks between: a, b", 2)}
    <details>
      <summary>Vectors and emotives</summary>
      ${field("vectors", "Vectors", "Numbers with spaces between, one vector a line: 1 0 0.5", 2)}
      ${field("emotives", "Emotives", "Names and numbers: joy=0.5, fear=-1", 1)}
    </details>
    <div class="buttons">
      <button class="primary" disabled=${action.isRunning}>Observe</button>
      <button type="button" disabled=${action.isRunning} onClick=${learn}>Learn</button>
      <button type="button" disabled=${action.isRunning} onClick=${clear}>Clear working memory</button>
      <button type="button" class="danger" onClick=${() => setClearing(true)}>Clear all memory…</button>
    </div>
    <p class="hint">
      Observe event after event, then Learn: working memory becomes a model. Observe a part of it again, and it is predicted.
    </p>
    <${Told} action=${action} />
    ${
      isClearing &&
      html`<${Dialog} title=${`Clear all memory of ${id}`} onClose=${() => setClearing(false)}>
      <p>All models and vectors that it has learned are deleted, and its working memory too.</p>
      <${ConfirmByName}
        name=${id}
        action="Clear all memory"
        isRunning=${action.isRunning}
        onConfirm=${clearAll}
        onCancel=${() => setClearing(false)}
      />
    </${Dialog}>`
    }
  </form>`;
}

/** Enter makes a line; with Control or Command it observes. */
function submitOnControlEnter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.requestSubmit();
}
