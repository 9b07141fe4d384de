import { useState } from "preact/hooks";
import type { Session } from "../../../libs/client/types/gateway.ts";
import { send, session } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { useAction } from "../base/use-action.ts";
import { textIn } from "../parts/dialog.ts";
import { Told } from "../parts/notice.ts";

/** Exchanges a key for a login, which the page itself cannot read. */
export function Login(): Children {
  const [key, setKey] = useState("");
  const action = useAction();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run(async () => {
      const { principal, name, grants } = await send<Session>("POST", "session", {
        body: { key: key.trim() },
      });
      session.set({ principal, name, grants });
      return undefined;
    });
  };
  return html`<form class="panel narrow" onSubmit=${submit}>
    <h1>Log in</h1>
    <p>This gateway asks for a key. An administrator makes one; it begins with <code>kato_</code>.</p>
    <label>
      Key
      <input
        type="password"
        name="key"
        autocomplete="current-password"
        required
        value=${key}
        onInput=${(event: InputEvent) => setKey(textIn(event))}
      />
    </label>
    <div class="buttons"><button class="primary" disabled=${action.isRunning}>Log in</button></div>
    <${Told} action=${action} />
  </form>`;
}
