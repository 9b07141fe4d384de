import { useState } from "preact/hooks";
import type { MadeKey } from "../../../../libs/client/types/gateway.ts";
import { send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import type { KeyForm } from "../../model/key-form.ts";
import { emptyKeyForm, keyRequestOf, scopes } from "../../model/key-form.ts";
import { isoOfLocal } from "../../model/log-view.ts";
import { Dialog, textIn } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";

/** Asks what a new key is for, and makes it. */
export function MakeKey({
  onClose,
  onDone,
}: {
  onClose: () => void;
  onDone: (text: string, key: MadeKey) => void;
}): Children {
  const [form, setForm] = useState<KeyForm>(emptyKeyForm);
  const action = useAction();
  const set = (name: keyof KeyForm) => (event: Event) => setForm({ ...form, [name]: textIn(event) });
  const make = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run(async () => {
      const body = keyRequestOf(form, isoOfLocal(form.expires));
      const key = await send<MadeKey>("POST", "keys", { body });
      onDone(`The key ${key.name} is made.`, key);
      return undefined;
    });
  };
  return html`<${Dialog} title="Make a key" onClose=${onClose}>
    <form onSubmit=${make}>
      <label>
        Name
        <input required maxlength="128" autocomplete="off" value=${form.name} onInput=${set("name")} />
      </label>
      <p class="hint">Who or what will use it.</p>
      <fieldset>
        <legend>It may</legend>
        ${Object.entries(scopes).map(
          ([scope, title]) =>
            html`<label class="option" key=${scope}>
              <input type="radio" name="scope" value=${scope} checked=${form.scope === scope} onChange=${set("scope")} />
              <b>${scope}</b>: ${title}
            </label>`,
        )}
      </fieldset>
      <label>
        Processors
        <input required autocomplete="off" value=${form.processors} onInput=${set("processors")} />
      </label>
      <p class="hint">Ids, or beginnings of ids with * behind, with commas between. * is all of them.</p>
      <label>
        Ends
        <input type="datetime-local" value=${form.expires} onInput=${set("expires")} />
      </label>
      <p class="hint">Without a time it does not end by itself.</p>
      <div class="buttons">
        <button class="primary" disabled=${action.isRunning}>Make the key</button>
        <button type="button" onClick=${onClose}>Cancel</button>
      </div>
      <${Told} action=${action} />
    </form>
  </${Dialog}>`;
}
