import { useState } from "preact/hooks";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import type { Address } from "../../model/address.ts";
import type { AuditFilter } from "../../model/audit-view.ts";
import { auditActions, isAuditFiltered } from "../../model/audit-view.ts";
import { isoOfLocal, localOfIso } from "../../model/log-view.ts";
import { textIn } from "../../parts/dialog.ts";

/** Which entries are shown. */
export function AuditFilters({ filter, address }: { filter: AuditFilter; address: Address }): Children {
  const [form, setForm] = useState({
    ...filter,
    since: localOfIso(filter.since),
    until: localOfIso(filter.until),
  });
  const set = (name: keyof AuditFilter) => (event: Event) => setForm({ ...form, [name]: textIn(event) });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    changeQuery(address, { ...form, since: isoOfLocal(form.since), until: isoOfLocal(form.until) });
  };
  const reset = () => changeQuery(address, { action: "", who: "", processor: "", since: "", until: "" });
  return html`<form class="filters" onSubmit=${submit} aria-label="Which entries">
    <label>
      What
      <select value=${form.action} onChange=${set("action")}>
        <option value="">anything</option>
        ${auditActions.map((action) => html`<option key=${action} value=${action}>${action}</option>`)}
      </select>
    </label>
    <label>Who <input class="middle" value=${form.who} onInput=${set("who")} /></label>
    <label>Processor <input class="middle" value=${form.processor} onInput=${set("processor")} /></label>
    <label>Since <input type="datetime-local" step="1" value=${form.since} onInput=${set("since")} /></label>
    <label>Until <input type="datetime-local" step="1" value=${form.until} onInput=${set("until")} /></label>
    <div class="buttons">
      <button class="primary">Show</button>
      ${isAuditFiltered(filter) && html`<button type="button" onClick=${reset}>Show all</button>`}
    </div>
  </form>`;
}
