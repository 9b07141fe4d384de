import type { AuditEntry } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { formatAddress } from "../../model/address.ts";
import { When } from "../../parts/when.ts";

/** Entries of the audit trail, the newest first. */
export function AuditTable({ entries }: { entries: readonly AuditEntry[] }): Children {
  if (entries.length === 0) return null;
  return html`<div class="table" tabindex="0" role="region" aria-label="Audit trail">
    <table>
      <thead>
        <tr><th>Time</th><th>What</th><th>Who</th><th>Processor</th><th class="wide">Answer</th><th class="wide">More</th></tr>
      </thead>
      <tbody>
        ${entries.map(
          ({ sequence, time, action, principal, name, address, processor, status, method, path, detail }) =>
            html`<tr key=${sequence}>
              <td><${When} time=${time} /></td>
              <td class=${action === "refused" ? "outcome-failed" : ""}>${action}</td>
              <td>${name || principal || "somebody"} <span class="second">${address}</span></td>
              <td>
                ${processor !== undefined && html`<a href=${formatAddress(["processors", processor])}>${processor}</a>`}
              </td>
              <td class="wide number">${status}</td>
              <td class="wide">
                <details>
                  <summary>${method} ${path}</summary>
                  <pre>${JSON.stringify(detail ?? {}, null, 1)}</pre>
                </details>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
