import type { LoggedCommand } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import { When } from "../../parts/when.ts";

/** Commands of the log, each with a link to it. */
export function LogTable({
  entries,
  address,
}: {
  entries: readonly LoggedCommand[];
  address: Address;
}): Children {
  if (entries.length === 0) return null;
  return html`<div class="table" tabindex="0" role="region" aria-label="Commands">
    <table>
      <thead>
        <tr><th>Sequence</th><th>Method</th><th>Outcome</th><th>Time</th><th class="wide">Sender</th></tr>
      </thead>
      <tbody>
        ${entries.map(({ sequence, method, outcome, time, sender }) => {
          const isOpen = address.query.entry === String(sequence);
          const link = formatAddress(address.path, { ...address.query, entry: String(sequence) });
          return html`<tr key=${sequence} class=${isOpen ? "open" : ""}>
            <td class="number"><a href=${link} aria-current=${isOpen ? "true" : undefined}>${sequence}</a></td>
            <td>${method}</td>
            <td class=${`outcome outcome-${outcome}`}>${outcome ?? "–"}</td>
            <td><${When} time=${time} /></td>
            <td class="wide">${sender ?? "–"}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
