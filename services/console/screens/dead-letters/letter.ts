import { useState } from "preact/hooks";
import type { DeadLetter, DeadLetterRequest } from "../../../../libs/client/types/gateway.ts";
import { get, Problem, pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { usePoll } from "../../base/use-poll.ts";
import { editableRequest, isEditable, newCommandOf } from "../../model/edit-command.ts";
import { textIn } from "../../parts/dialog.ts";
import { Failure, Told } from "../../parts/notice.ts";
import { Payload } from "../../parts/payload.ts";
import { When } from "../../parts/when.ts";
import { actOnLetter, comesBack } from "./act-on-letters.ts";

interface LetterProps {
  id: string;
  letter: DeadLetter;
  onClose: () => void;
  onDone: (text: string) => Promise<void>;
}

/** One dead letter: what it asked for, why it failed, and what can be done with it. */
export function Letter({ id, letter, onClose, onDone }: LetterProps): Children {
  const { sequence, method, problem, time } = letter;
  const [isEdited, setEdited] = useState(false);
  const { value, error } = usePoll(`letter ${id} ${sequence}`, (signal) =>
    get<DeadLetterRequest>(pathOf("processors", id, "dead-letters", sequence), signal),
  );
  const action = useAction();
  const resend = () =>
    action.run(async () => {
      await actOnLetter(id, sequence, "resend");
      await onDone(`${sequence} is sent again. ${comesBack}`);
      return undefined;
    });
  return html`<section class="panel" aria-label=${`Dead letter ${sequence}`}>
    <div class="title">
      <h2>Dead letter ${sequence}</h2>
      <button type="button" onClick=${onClose}>Close</button>
    </div>
    <p><b>${method}</b>, failed <${When} time=${time} />: ${problem.title}. ${problem.detail}</p>
    <${Failure} error=${error} />
    ${value && !isEdited && html`<${Payload} value=${value.request} fileName=${`${id}-${sequence}.json`} />`}
    ${
      value &&
      !isEdited &&
      html`<div class="buttons">
      <button type="button" class="primary" disabled=${action.isRunning} onClick=${resend}>Send it again as it is</button>
      ${
        value.request !== null &&
        isEditable(method) &&
        html`<button type="button" onClick=${() => setEdited(true)}>Edit and send as a new command</button>`
      }
    </div>
    <${Told} action=${action} />`
    }
    ${value && isEdited && html`<${Editor} id=${id} letter=${letter} request=${value.request} onDone=${onDone} />`}
  </section>`;
}

function Editor({
  id,
  letter,
  request,
  onDone,
}: {
  id: string;
  letter: DeadLetter;
  request: unknown;
  onDone: (text: string) => Promise<void>;
}): Children {
  const [text, setText] = useState(() => JSON.stringify(editableRequest(letter.method, request), null, 2));
  const [isDiscarded, setDiscarded] = useState(true);
  const action = useAction();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run(async () => {
      const command = newCommandOf(letter.method, text);
      if (typeof command === "string") throw new Problem(command, 0);
      const { method, path, body } = command;
      await send(method, pathOf(id, ...path), body === undefined ? {} : { body });
      if (isDiscarded) await actOnLetter(id, letter.sequence, "discard");
      await onDone(`What was sent instead of ${letter.sequence} was applied.`);
      return undefined;
    });
  };
  return html`<form onSubmit=${submit}>
    <label>
      What is asked for
      <textarea class="editor" spellcheck=${false} value=${text} onInput=${(event: InputEvent) => setText(textIn(event))} />
    </label>
    <label class="option">
      <input type="checkbox" checked=${isDiscarded} onChange=${() => setDiscarded(!isDiscarded)} />
      Discard the dead letter once the new command is applied
    </label>
    <div class="buttons"><button class="primary" disabled=${action.isRunning}>Send</button></div>
    <${Told} action=${action} />
  </form>`;
}
