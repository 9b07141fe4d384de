import type { Ingestion } from "../../../libs/client/types/bulk.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { endedOf, ingestionInWords } from "../model/ingestion-words.ts";
import { When } from "./when.ts";

/** How far many observations are that were sent in one request. */
export function IngestionBar({ ingestion }: { ingestion: Ingestion }): Children {
  const words = ingestionInWords(ingestion);
  return html`<div class="ingestion">
    <progress max=${Math.max(ingestion.accepted, 1)} value=${endedOf(ingestion)} aria-label=${words} />
    <p>
      ${words}
      ${" "}<span class="quiet">Sent <${When} time=${ingestion.created_at} /></span>
    </p>
  </div>`;
}
