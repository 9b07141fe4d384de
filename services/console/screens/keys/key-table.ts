import type { Key } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { When } from "../../parts/when.ts";

/** All keys, without their secrets. */
export function KeyTable({
  keys,
  onAsk,
}: {
  keys: readonly Key[];
  onAsk: (what: "rotate" | "revoke", key: Key) => void;
}): Children {
  return html`<div class="table" tabindex="0" role="region" aria-label="Keys">
    <table>
      <thead>
        <tr>
          <th>Name</th><th>May</th><th>Processors</th><th class="wide">Used last</th><th class="wide">Ends</th>
          <th class="wide">Made</th><th><span class="unseen">What can be done</span></th>
        </tr>
      </thead>
      <tbody>
        ${keys.map((key) => {
          const { id, name, grants, created_at, created_by, expires_at, last_used_at } = key;
          return html`<tr key=${id}>
            <td><b>${name}</b> <span class="second">${id}</span></td>
            <td>${grants.scope}${grants.source && ` (${grants.source})`}</td>
            <td>${grants.processors.join(", ")}</td>
            <td class="wide">${last_used_at ? html`<${When} time=${last_used_at} />` : "never"}</td>
            <td class="wide">${expires_at ? html`<${When} time=${expires_at} />` : "not by itself"}</td>
            <td class="wide"><${When} time=${created_at} /> <span class="second">by ${created_by || "somebody"}</span></td>
            <td class="row-buttons">
              <button type="button" aria-label=${`Rotate ${name}`} onClick=${() => onAsk("rotate", key)}>Rotate…</button>
              <button type="button" class="danger" aria-label=${`Revoke ${name}`} onClick=${() => onAsk("revoke", key)}>
                Revoke…
              </button>
            </td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
