import { useState } from "preact/hooks";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useObservable } from "../../base/observable.ts";
import type { ProcessorScreenProps } from "../../base/screen-props.ts";
import { Ingestions } from "../../parts/ingestions.ts";
import { ChooseFile } from "./choose-file.ts";
import { UploadProgress } from "./upload-progress.ts";
import { clearUpload, startUpload, uploads } from "./uploads.ts";

/** Sending a file of observations, and seeing how far those are that were sent. */
export function UploadScreen({ processor }: ProcessorScreenProps): Children {
  const { id } = processor;
  const upload = useObservable(uploads).get(id);
  const [file, setFile] = useState<File>();
  const again = () => {
    clearUpload(id);
    setFile(undefined);
  };
  return html`<div class="columns">
    <section class="panel">
      <h2>Upload observations</h2>
      ${
        upload
          ? html`<${UploadProgress}
            id=${id}
            upload=${upload}
            onGoOn=${() => startUpload(id, upload.file, upload.options)}
            onAgain=${again}
          />`
          : html`<${ChooseFile} id=${id} file=${file} onFile=${setFile} />`
      }
    </section>
    <section class="panel">
      <h2>Under way</h2>
      <${Ingestions} id=${id} />
    </section>
  </div>`;
}
