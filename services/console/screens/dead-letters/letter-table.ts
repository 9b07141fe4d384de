import type { DeadLetter } from "../../../../libs/client/types/gateway.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import { When } from "../../parts/when.ts";

/** Dead letters, each with its error, to be chosen or opened. */
export function LetterTable({
  letters,
  chosen,
  onChoose,
  address,
}: {
  letters: readonly DeadLetter[];
  chosen: ReadonlySet<number>;
  onChoose: (chosen: ReadonlySet<number>) => void;
  address: Address;
}): Children {
  const all = letters.every(({ sequence }) => chosen.has(sequence));
  const toggle = (sequence: number) => {
    const next = new Set(chosen);
    if (!next.delete(sequence)) next.add(sequence);
    onChoose(next);
  };
  const toggleAll = () => onChoose(new Set(all ? [] : letters.map(({ sequence }) => sequence)));
  return html`<div class="table" tabindex="0" role="region" aria-label="Dead letters">
    <table>
      <thead>
        <tr>
          <th><input type="checkbox" aria-label="Choose all of this page" checked=${all} onChange=${toggleAll} /></th>
          <th>Sequence</th><th class="wide">Method</th><th>Error</th><th class="wide">Time</th>
        </tr>
      </thead>
      <tbody>
        ${letters.map(
          ({ sequence, method, outcome, problem, time }) =>
            html`<tr key=${sequence} class=${address.query.letter === String(sequence) ? "open" : ""}>
              <td>
                <input
                  type="checkbox"
                  aria-label=${`Choose ${sequence}`}
                  checked=${chosen.has(sequence)}
                  onChange=${() => toggle(sequence)}
                />
              </td>
              <td class="number">
                <a href=${formatAddress(address.path, { ...address.query, letter: String(sequence) })}>${sequence}</a>
              </td>
              <td class="wide">${method}</td>
              <td><b>${outcome === "unknown" ? "Nobody knows whether it was applied. " : ""}</b>${problem.detail}</td>
              <td class="wide"><${When} time=${time} /></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
