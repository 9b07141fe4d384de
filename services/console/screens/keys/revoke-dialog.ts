import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { ConfirmByName, Dialog } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";
import type { KeyDialogProps } from "./rotate-dialog.ts";

/** Ends a key, once its name is written. */
export function RevokeDialog({ of: { id, name }, onClose, onDone }: KeyDialogProps): Children {
  const action = useAction();
  const revoke = () =>
    action.run(async () => {
      await send("DELETE", pathOf("keys", id));
      onDone(`The key ${name} is revoked.`);
      return undefined;
    });
  return html`<${Dialog} title=${`Revoke ${name}`} onClose=${onClose}>
    <p>The key counts nowhere any more in a moment, nor do the logins that were made with it. Nobody can take that back.</p>
    <${ConfirmByName} name=${name} action="Revoke" isRunning=${action.isRunning} onConfirm=${revoke} onCancel=${onClose} />
    <${Told} action=${action} />
  </${Dialog}>`;
}
