import type { LoggedRequest } from "../../../../libs/client/types/gateway.ts";
import { get, pathOf } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { changeQuery } from "../../base/use-address.ts";
import { usePoll } from "../../base/use-poll.ts";
import type { Address } from "../../model/address.ts";
import { formatBytes } from "../../model/format.ts";
import { Failure } from "../../parts/notice.ts";
import { Payload } from "../../parts/payload.ts";
import { When } from "../../parts/when.ts";

/** One command of the log, with what it asks for. */
export function Entry({
  id,
  sequence,
  address,
}: {
  id: string;
  sequence: string;
  address: Address;
}): Children {
  const { value, error } = usePoll(`entry ${id} ${sequence}`, (signal) =>
    get<LoggedRequest>(pathOf("processors", id, "log", sequence), signal),
  );
  return html`<section class="panel" aria-label=${`Command ${sequence}`}>
    <div class="title">
      <h2>Command ${sequence}</h2>
      <button type="button" onClick=${() => changeQuery(address, { entry: "" })}>Close</button>
    </div>
    <${Failure} error=${error} />
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${
      value &&
      html`<p>
        <b>${value.method}</b>, ${value.outcome ?? "with an outcome that is not known any more"}.
        ${" "}Sent <${When} time=${value.time} />${value.sender !== undefined && html` by ${value.sender}`}.
        ${" "}${formatBytes(value.bytes ?? 0)}. <span class="quiet">${value.command}</span>
      </p>
      <${Payload} value=${value.request} fileName=${`${id}-${sequence}.json`} />`
    }
  </section>`;
}
