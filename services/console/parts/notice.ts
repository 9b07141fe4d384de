import type { Processor } from "../../../libs/client/types/gateway.ts";
import { messageOf } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import type { Action } from "../base/use-action.ts";

/** What came of something that was done. It is read out when it comes. */
export function Told({ action }: { action: Action }): Children {
  const { told } = action;
  return html`<div class="told" role="status" aria-live="polite">
    ${told && html`<p class=${told.isError ? "notice error" : "notice done"}>${told.text}</p>`}
  </div>`;
}

/** Why a processor could not be asked. That its instance is away is told above already. */
export function Unasked({ processor, error }: { processor: Processor; error: unknown }): Children {
  if (error === undefined || processor.healthy) return html`<${Failure} error=${error} />`;
  return html`<p class="quiet">Not known while its instance is away.</p>`;
}

/** Why something could not be shown. */
export function Failure({ error }: { error: unknown }): Children {
  if (error === undefined) return null;
  return html`<p class="notice error" role="alert">${messageOf(error)}</p>`;
}
