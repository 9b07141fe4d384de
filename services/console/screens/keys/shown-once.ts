import { useRef } from "preact/hooks";
import type { MadeKey } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { Told } from "../../parts/notice.ts";

/** The secret of a key, which nobody can show again. */
export function ShownOnce({ made, onClose }: { made: MadeKey; onClose: () => void }): Children {
  const field = useRef<HTMLInputElement>(null);
  const action = useAction();
  const copy = () =>
    action.run(async () => {
      field.current?.select();
      // A page that came from elsewhere without TLS has no clipboard.
      if (!("clipboard" in navigator)) return "It is selected: copy it with the keyboard.";
      await navigator.clipboard.writeText(made.key);
      return "Copied.";
    });
  return html`<section class="panel" aria-label="The key">
    <label>
      The key of ${made.name}. It is shown this once: keep it now.
      <input ref=${field} class="secret" readonly value=${made.key} onFocus=${() => field.current?.select()} />
    </label>
    <div class="buttons">
      <button type="button" class="primary" onClick=${copy}>Copy</button>
      <button type="button" onClick=${onClose}>I have kept it</button>
    </div>
    <${Told} action=${action} />
  </section>`;
}
