import type { Ingestion, IngestionReport } from "../../../../libs/client/types/bulk.ts";
import { pathOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useEvents } from "../../base/use-events.ts";
import { formatAddress } from "../../model/address.ts";
import { formatBytes, formatNumber } from "../../model/format.ts";
import { reportInWords } from "../../model/ingestion-words.ts";
import { IngestionBar } from "../../parts/ingestion-bar.ts";
import type { Upload, UploadState } from "./uploads.ts";

/** How an upload stands: sent, stored, refused, applied. */
export function UploadProgress({
  id,
  upload: { file, state, stop },
  onGoOn,
  onAgain,
}: {
  id: string;
  upload: Upload;
  onGoOn: () => void;
  onAgain: () => void;
}): Children {
  const isRunning = state.is === "sending" || state.is === "waiting";
  return html`
    <p><b>${file.name}</b> <span class="quiet">${formatBytes(file.size)}</span></p>
    ${state.is === "sending" && html`<${Sending} sentBytes=${state.sentBytes} size=${file.size} />`}
    <div role="status">
      ${state.is === "waiting" && html`<p class="notice warning">${state.why} It is sent again by itself, and nothing is stored twice.</p>`}
      ${state.is === "stored" && html`<p class="notice done">${reportInWords(state.report)}</p>`}
      ${state.is === "ended" && html`<${Ended} state=${state} />`}
    </div>
    ${state.is === "stored" && html`<${Rejected} report=${state.report} /><${Applying} id=${id} report=${state.report} />`}
    ${state.is === "ended" && html`<${Rejected} report=${state.report} />`}
    <div class="buttons">
      ${isRunning && html`<button type="button" onClick=${stop}>Stop</button>`}
      ${state.is === "ended" && state.canGoOn && html`<button type="button" class="primary" onClick=${onGoOn}>Go on</button>`}
      ${!isRunning && html`<button type="button" onClick=${onAgain}>Another file</button>`}
    </div>
  `;
}

function Sending({ sentBytes, size }: { sentBytes: number; size: number }): Children {
  const isSent = sentBytes >= size;
  return html`<progress max=${Math.max(size, 1)} value=${sentBytes} aria-label="How much is sent" />
    <p class="quiet">
      ${isSent ? "All of it is sent. The gateway stores the rest…" : `${formatBytes(sentBytes)} of ${formatBytes(size)} sent.`}
    </p>`;
}

function Ended({ state }: { state: UploadState & { is: "ended" } }): Children {
  const { why, report, canGoOn } = state;
  const { accepted } = report;
  return html`<p class="notice error">
    ${why}
    ${accepted !== undefined && ` ${formatNumber(accepted)} observations are stored.`}
    ${canGoOn && " What is stored by now stays. Going on stores the rest, and nothing twice."}
    ${!canGoOn && (accepted ?? 0) > 0 && " Correct the line and choose the file again: it goes on there."}
  </p>`;
}

/** The lines that were refused, with why. */
function Rejected({
  report: { rejected = [], rejected_count },
}: {
  report: Partial<IngestionReport>;
}): Children {
  if (rejected.length === 0) return null;
  const count = rejected_count ?? rejected.length;
  return html`<h3>${formatNumber(count)} ${count === 1 ? "line was" : "lines were"} refused</h3>
    <div class="table rejected" tabindex="0" role="region" aria-label="Refused lines">
      <table>
        <thead><tr><th>Line</th><th>Why</th></tr></thead>
        <tbody>
          ${rejected.map(
            ({ line, detail }) =>
              html`<tr key=${line}><td class="number">${line}</td><td>${detail}</td></tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${count > rejected.length && html`<p class="quiet">The first ${rejected.length} of them.</p>`}`;
}

/** How much of what is stored is applied. */
function Applying({ id, report: { ingestion } }: { id: string; report: IngestionReport }): Children {
  const path = pathOf(id, "ingestions", ingestion, "events");
  const view = useEvents<Ingestion>(path, {
    pathFrom: () => path,
    take: (_before, event) => event,
    isLast: ({ state }) => state === "done",
  });
  if (!view) return html`<p class="quiet">Asking how much is applied…</p>`;
  const failed = view.failed + view.unknown;
  return html`<${IngestionBar} ingestion=${view} />
    ${
      view.state === "done" &&
      html`<p role="status">
      ${
        failed === 0
          ? html`All of it is applied. <a href=${formatAddress(["processors", id, "try"])}>See what it predicts</a>`
          : html`<a href=${formatAddress(["processors", id, "dead-letters"])}>Why ${formatNumber(failed)} failed</a>`
      }
    </p>`
    }`;
}
