import type { Ingestion, IngestionPage } from "../../../libs/client/types/bulk.ts";
import { get, pathOf, queryOf } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { usePoll } from "../base/use-poll.ts";
import { IngestionBar } from "./ingestion-bar.ts";
import { Failure } from "./notice.ts";

/** A page can be empty and still have a next one. */
const maxPages = 5;

async function loadUnderWay(
  id: string,
  signal: AbortSignal,
): Promise<{ found: Ingestion[]; isWhole: boolean }> {
  // One whose commands lie on two pages is on both.
  const found = new Map<string, Ingestion>();
  let from: number | undefined = 0;
  for (let page = 0; page < maxPages && from !== undefined; page++) {
    const path: string = `${pathOf("processors", id, "ingestions")}${queryOf({ from })}`;
    const answer: IngestionPage = await get(path, signal);
    for (const each of answer.ingestions) found.set(each.ingestion, each);
    from = answer.next;
  }
  return { found: [...found.values()], isWhole: from === undefined };
}

/** The files and streams of observations of which something is not applied yet. */
export function Ingestions({ id }: { id: string }): Children {
  const { value, error } = usePoll(`ingestions ${id}`, (signal) => loadUnderWay(id, signal), {
    everyMs: 2_000,
  });
  return html`<${Failure} error=${error} />
    ${value && value.found.length === 0 && value.isWhole && html`<p class="quiet">None.</p>`}
    ${
      value &&
      html`<ul class="ingestions">
      ${value.found.map(
        (ingestion) => html`<li key=${ingestion.ingestion}><${IngestionBar} ingestion=${ingestion} /></li>`,
      )}
    </ul>`
    }
    ${value && !value.isWhole && html`<p class="quiet">More may stand behind what waits.</p>`}`;
}
