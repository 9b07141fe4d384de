import { useState } from "preact/hooks";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import type { Address } from "../../model/address.ts";
import type { LogFilter } from "../../model/log-view.ts";
import { isFiltered, isoOfLocal, localOfIso, outcomes } from "../../model/log-view.ts";
import { textIn } from "../../parts/dialog.ts";

const methods = [
  "Observe",
  "Learn",
  "Sequence",
  "ClearWorkingMemory",
  "ClearAllMemory",
  "UpdateGenes",
  "DeleteModel",
];

/** Which commands are shown. The gateway looks for them. */
export function LogFilters({ filter, address }: { filter: LogFilter; address: Address }): Children {
  const [form, setForm] = useState({
    from: filter.from === undefined ? "" : String(filter.from),
    method: filter.method,
    outcome: filter.outcome,
    sender: filter.sender,
    since: localOfIso(filter.since),
    until: localOfIso(filter.until),
  });
  const set = (name: keyof typeof form) => (event: Event) =>
    setForm({ ...form, [name]: textIn(event).trim() });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const times = { since: isoOfLocal(form.since), until: isoOfLocal(form.until) };
    changeQuery(address, { ...form, ...times, entry: "" });
  };
  const reset = () =>
    changeQuery(address, { from: "", method: "", outcome: "", sender: "", since: "", until: "", entry: "" });
  return html`<form class="filters" onSubmit=${submit} aria-label="Which commands">
    <label>From sequence <input class="short" inputmode="numeric" pattern="[0-9]*" value=${form.from} onInput=${set("from")} /></label>
    <label>
      Method
      <input list="methods" class="middle" value=${form.method} onInput=${set("method")} />
      <datalist id="methods">${methods.map((method) => html`<option key=${method} value=${method} />`)}</datalist>
    </label>
    <label>
      Outcome
      <select value=${form.outcome} onChange=${set("outcome")}>
        <option value="">any</option>
        ${outcomes.map((outcome) => html`<option key=${outcome} value=${outcome}>${outcome}</option>`)}
      </select>
    </label>
    <label>Sender <input class="middle" value=${form.sender} onInput=${set("sender")} /></label>
    <label>Since <input type="datetime-local" step="1" value=${form.since} onInput=${set("since")} /></label>
    <label>Until <input type="datetime-local" step="1" value=${form.until} onInput=${set("until")} /></label>
    <div class="buttons">
      <button class="primary">Show</button>
      ${(isFiltered(filter) || filter.from !== undefined) && html`<button type="button" onClick=${reset}>Show all</button>`}
    </div>
  </form>`;
}
