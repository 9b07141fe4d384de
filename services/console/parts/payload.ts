import { useMemo, useState } from "preact/hooks";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { saveFile } from "../base/save-file.ts";
import { formatBytes } from "../model/format.ts";

/** What is shown at first, and with each step more. A browser takes long over megabytes of text. */
const firstStep = 2_000;
const laterStep = 200_000;

/** What a command asks for, shortened until more of it is wanted. */
export function Payload({ value, fileName }: { value: unknown; fileName: string }): Children {
  const text = useMemo(() => JSON.stringify(value, null, 1), [value]);
  const [shown, setShown] = useState(firstStep);
  if (value === null) return html`<p class="quiet">Nobody can read it.</p>`;
  const isShort = text.length <= shown;
  return html`
    <pre tabindex="0" aria-label="What it asks for">${isShort ? text : `${text.slice(0, shown)}…`}</pre>
    ${
      !isShort &&
      html`<div class="buttons">
      <button type="button" onClick=${() => setShown(shown + laterStep)}>
        Show more of ${formatBytes(text.length)}
      </button>
      <button type="button" onClick=${() => saveFile(fileName, "application/json", [text])}>Save all of it</button>
    </div>`
    }
  `;
}
