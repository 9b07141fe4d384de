import { useState } from "preact/hooks";
import type { Envelope } from "../../../libs/client/types/processor.ts";
import { messageOf, Problem, pathOf, send } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { useAction } from "../base/use-action.ts";
import { shortName } from "../model/format.ts";
import type { ObservationInput } from "../model/observation-input.ts";
import { readObservation } from "../model/observation-input.ts";
import { ConfirmByName, Dialog, textIn } from "./dialog.ts";
import { Told } from "./notice.ts";

const empty: ObservationInput = { strings: "", vectors: "", emotives: "" };

/** Observing, learning and clearing by hand: of one processor, or the same of several. */
export function ObserveForm({ ids, onSent }: { ids: readonly string[]; onSent: () => void }): Children {
  const [input, setInput] = useState(empty);
  const [wrong, setWrong] = useState<{ field: keyof ObservationInput; error: string }>();
  const [isClearing, setClearing] = useState(false);
  const action = useAction();

  /** Tells all of them the same. What some have refused is told, and who has done it all the same. */
  const act = <T>(path: string[], body: unknown, told: (messages: T[]) => string) =>
    action.run(async () => {
      const messages = await sendToEach<T>(ids, path, body).finally(onSent);
      return told(messages);
    });
  const observe = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readObservation(input);
    setWrong("error" in read ? read : undefined);
    if ("error" in read) return;
    void act<{ auto_learned_model: string }>(["observe"], read.observation, (messages) => {
      setInput(empty);
      const learned = messages
        .map(({ auto_learned_model }) => auto_learned_model)
        .filter((name) => name !== "");
      return learned.length === 0 ? "Observed." : `Observed, and learned ${namesOf(learned)} by itself.`;
    });
  };
  const learn = () =>
    act<string>(["learn"], undefined, (messages) => {
      const learned = messages.filter((name) => name !== "");
      return learned.length === 0
        ? "There was too little to learn: it takes two symbols. Working memory is empty now."
        : `Learned ${namesOf(learned)}, and working memory is empty now. Observe a part of it to see the rest predicted.`;
    });
  const clear = () => act(["working-memory", "clear"], undefined, () => "Working memory is empty.");
  const clearAll = async () => {
    await act(["clear-all-memory"], undefined, () => "Everything it has learned is cleared.");
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
          onKeyDown=${submitOnEnter}
        />
      </label>
      <p class="hint" id=${`${name}-hint`}>${isWrong ? html`<b class="error-text">${wrong.error}</b>` : hint}</p>`;
  };
  return html`<form class="panel" onSubmit=${observe}>
    <h2>Observe</h2>
    <p class="hint">
      Observe event after event, then Learn: working memory becomes a model. Observe a part of it again, and the rest is
      predicted.
    </p>
    ${field("strings", "Symbols of one event", "With commas between: rain, wind. Enter observes.", 2)}
    <details>
      <summary>Vectors and emotives</summary>
      ${field("vectors", "Vectors", "Numbers with spaces between, one vector a line (Shift and Enter): 1 0 0.5", 2)}
      ${field("emotives", "Emotives", "Names and numbers: joy=0.5, fear=-1", 1)}
    </details>
    <div class="buttons">
      <button class="primary" disabled=${action.isRunning}>Observe</button>
      <button type="button" disabled=${action.isRunning} onClick=${learn}>Learn</button>
      <button type="button" disabled=${action.isRunning} onClick=${clear}>Clear working memory</button>
      ${
        ids.length === 1 &&
        html`<button type="button" class="danger" onClick=${() => setClearing(true)}>Clear all memory…</button>`
      }
    </div>
    <${Told} action=${action} />
    ${
      isClearing &&
      html`<${Dialog} title=${`Clear all memory of ${ids[0]}`} onClose=${() => setClearing(false)}>
      <p>All models and vectors that it has learned are deleted, and its working memory too.</p>
      <${ConfirmByName}
        name=${ids[0]}
        action="Clear all memory"
        isRunning=${action.isRunning}
        onConfirm=${clearAll}
        onCancel=${() => setClearing(false)}
      />
    </${Dialog}>`
    }
  </form>`;
}

const namesOf = (models: readonly string[]): string => [...new Set(models)].map(shortName).join(" and ");

/** Resolves to the messages of all. Throws what was refused, and by whom. */
async function sendToEach<T>(ids: readonly string[], path: string[], body: unknown): Promise<T[]> {
  const sent = await Promise.allSettled(
    ids.map((id) => send<Envelope<T>>("POST", pathOf(id, ...path), body === undefined ? {} : { body })),
  );
  const refused = sent.flatMap((each, index) =>
    each.status === "rejected" ? [{ id: ids[index] ?? "", reason: each.reason }] : [],
  );
  const [first] = refused;
  if (!first) return sent.flatMap((each) => (each.status === "fulfilled" ? [each.value.message] : []));
  if (ids.length === 1) throw first.reason;
  const done = ids.filter((id) => !refused.some((each) => each.id === id));
  const why = refused.map(({ id, reason }) => `${id}: ${messageOf(reason)}`).join(" ");
  throw new Problem(done.length === 0 ? why : `${why} ${done.join(" and ")} has done it.`, 0);
}

/** Enter observes; with Shift it makes a line. While a word is being composed it belongs to that. */
function submitOnEnter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.requestSubmit();
}
