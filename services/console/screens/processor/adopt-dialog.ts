import { useState } from "preact/hooks";
import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { ConfirmByName, Dialog, textIn } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";

/** What a dialog about a processor is given. */
export interface DialogProps {
  processor: Processor;
  onClose: () => void;
  /** Something was done, and this is to be told. */
  onDone: (text: string) => void;
}

/** Asks up to where the instance of a processor that is held has everything. */
export function AdoptDialog({ processor, onClose, onDone }: DialogProps): Children {
  const { id, last = 0 } = processor;
  const [applied, setApplied] = useState(String(last));
  const action = useAction();
  const adopt = () =>
    action.run(async () => {
      const { applied: upTo } = await send<{ applied: number }>("POST", pathOf("processors", id, "adopt"), {
        body: { applied: Number(applied) },
      });
      onDone(`The instance counts as having everything up to ${upTo}.`);
      return undefined;
    });
  return html`<${Dialog} title=${`Adopt the instance of ${id}`} onClose=${onClose}>
    <p>The instance is right as it is. It counts as having everything up to this sequence; what stands behind it is applied.</p>
    <label>
      Everything up to
      <input type="number" min="0" max=${last} value=${applied} onInput=${(event: InputEvent) => setApplied(textIn(event))} />
    </label>
    <${ConfirmByName} name=${id} action="Adopt" isRunning=${action.isRunning} onConfirm=${adopt} onCancel=${onClose} />
    <${Told} action=${action} />
  </${Dialog}>`;
}
