import { useState } from "preact/hooks";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { usePoll } from "../../base/use-poll.ts";
import { isExpected } from "../../model/begun-uploads.ts";
import { formatBytes } from "../../model/format.ts";
import { When } from "../../parts/when.ts";
import { begunUploadOf, forgetUpload, startUpload } from "./uploads.ts";

/** Choosing a file, by dragging it in too, and what is to be done with it. */
export function ChooseFile({
  id,
  file,
  onFile,
}: {
  id: string;
  file: File | undefined;
  onFile: (file: File) => void;
}): Children {
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer?.files[0];
    if (dropped) onFile(dropped);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const choose = (event: Event) => {
    const chosen = (event.target as HTMLInputElement).files?.[0];
    if (chosen) onFile(chosen);
  };
  return html`
    <label
      class=${`drop${isOver ? " over" : ""}`}
      onDragOver=${over}
      onDragLeave=${() => setOver(false)}
      onDrop=${drop}
    >
      <input class="unseen" type="file" accept=".ndjson,.jsonl,.json,.txt" onChange=${choose} />
      ${
        file
          ? html`<b>${file.name}</b> <span class="quiet">${formatBytes(file.size)}</span>`
          : html`<b>Drop a file here</b> <span>or choose one</span>`
      }
    </label>
    ${!file && html`<${Example} />`}
    ${file && html`<${Options} key=${`${file.name} ${file.size} ${file.lastModified}`} id=${id} file=${file} />`}
  `;
}

function Example(): Children {
  return html`<p class="hint">One observation a line, in JSON:</p>
    <pre>{"strings": ["sun", "warm"]}\n{"strings": ["rain"], "emotives": {"joy": -0.5}}</pre>`;
}

const previewed = 2_000;
const previewedLines = 3;

function Options({ id, file }: { id: string; file: File }): Children {
  const [learnAtEnd, setLearn] = useState(false);
  const [stopOnError, setStop] = useState(false);
  const [begun] = useState(() => begunUploadOf(id, file));
  const [isNew, setNew] = useState(begun !== undefined && !isExpected(begun, file));
  const { value: lines } = usePoll("preview", async () => {
    const text = await file.slice(0, previewed).text();
    return text.split("\n").slice(0, previewedLines).join("\n");
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (isNew) forgetUpload(id, file);
    startUpload(id, file, { learnAtEnd, stopOnError });
  };
  return html`<form onSubmit=${submit}>
    ${file.size === 0 && html`<p class="notice warning">This file is empty.</p>`}
    ${lines && html`<p class="hint">It begins with:</p><pre tabindex="0" aria-label="The first lines">${lines}</pre>`}
    ${
      begun &&
      html`<p class="notice">
      ${
        begun.stoppedAtLine === undefined
          ? html`Sending a file of this name was begun <${When} time=${new Date(begun.begunAtMs).toISOString()} />, and
            did not end.`
          : `Line ${begun.stoppedAtLine} of a file of this name was refused. The lines before it are stored.`
      }
      ${" "}Going on stores the lines that are not stored yet, and nothing twice.
    </p>
    <label class="option">
      <input type="checkbox" checked=${isNew} onChange=${() => setNew(!isNew)} />
      This is another file: store all of it
    </label>`
    }
    <label class="option">
      <input type="checkbox" checked=${learnAtEnd} onChange=${() => setLearn(!learnAtEnd)} />
      Learn after the last line
    </label>
    <label class="option">
      <input type="checkbox" checked=${stopOnError} onChange=${() => setStop(!stopOnError)} />
      Stop at the first line that is refused
    </label>
    <div class="buttons">
      <button class="primary" disabled=${file.size === 0}>${begun && !isNew ? "Go on" : "Upload"}</button>
    </div>
  </form>`;
}
