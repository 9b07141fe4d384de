import { useState } from "preact/hooks";
import type { Key, RotatedKey } from "../../../../libs/client/types/gateway.ts";
import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { isoOfLocal } from "../../model/log-view.ts";
import { Dialog, textIn } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";

export interface KeyDialogProps {
  of: Key;
  onClose: () => void;
  onDone: (text: string, key?: RotatedKey) => void;
}

/** Gives a key a new secret. The one of before goes on for a while. */
export function RotateDialog({ of: { id, name }, onClose, onDone }: KeyDialogProps): Children {
  const [until, setUntil] = useState("");
  const action = useAction();
  const rotate = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run(async () => {
      const body = until === "" ? {} : { previous_expires_at: isoOfLocal(until) };
      const key = await send<RotatedKey>("POST", pathOf("keys", id, "rotate"), { body });
      const ends = new Date(key.previous_expires_at).toLocaleString();
      onDone(`The key ${name} has a new secret. The one of before counts until ${ends}.`, key);
      return undefined;
    });
  };
  return html`<${Dialog} title=${`Rotate ${name}`} onClose=${onClose}>
    <form onSubmit=${rotate}>
      <p>The key gets a new secret. Its clients can go on with the one of before until they have the new one.</p>
      <label>
        The one of before ends
        <input type="datetime-local" value=${until} onInput=${(event: InputEvent) => setUntil(textIn(event))} />
      </label>
      <p class="hint">A day from now without a time.</p>
      <div class="buttons">
        <button class="primary" disabled=${action.isRunning}>Rotate</button>
        <button type="button" onClick=${onClose}>Cancel</button>
      </div>
      <${Told} action=${action} />
    </form>
  </${Dialog}>`;
}
