import { useEffect, useRef, useState } from "preact/hooks";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";

/** A question before something is done. The browser keeps the keyboard inside, and Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children?: Children;
}): Children {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} aria-label=${title} onClose=${onClose}>
    <h2>${title}</h2>
    ${children}
  </dialog>`;
}

/** Asks for a name to be written before what destroys is done. */
export function ConfirmByName({
  name,
  action,
  isRunning,
  onConfirm,
  onCancel,
}: {
  name: string;
  /** What the button says. */
  action: string;
  isRunning: boolean;
  onConfirm: () => void;
  onCancel: () => void;
}): Children {
  const [written, setWritten] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (written === name) onConfirm();
  };
  return html`<form onSubmit=${submit}>
    <label>
      Write <b>${name}</b> to go on
      <input value=${written} autocomplete="off" onInput=${(event: InputEvent) => setWritten(textIn(event))} />
    </label>
    <div class="buttons">
      <button class="danger" disabled=${written !== name || isRunning}>${action}</button>
      <button type="button" onClick=${onCancel}>Cancel</button>
    </div>
  </form>`;
}

/** What stands in the field that an event comes from. */
export function textIn(event: globalThis.Event): string {
  return (event.target as HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement).value;
}
