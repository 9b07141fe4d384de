import type { Processor } from "../../../libs/client/types/gateway.ts";
import type { Envelope } from "../../../libs/client/types/processor.ts";
import { get, pathOf } from "../base/api.ts";
import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import { usePoll } from "../base/use-poll.ts";
import { Events } from "./events.ts";
import { Unasked } from "./notice.ts";

/** Changes whenever the processor may have changed. `more` is what else makes it be asked again. */
export const versionOf = ({ applied, interval, state }: Processor, more: unknown = ""): string =>
  `${applied} ${interval} ${state} ${more}`;

/** What the processor has in its working memory, as it is now. */
export function WorkingMemory({ processor, version }: { processor: Processor; version?: unknown }): Children {
  const { id } = processor;
  const { value, error } = usePoll(
    `working memory ${id}`,
    (signal) => get<Envelope<string[][]>>(pathOf(id, "working-memory"), signal),
    { version: versionOf(processor, version) },
  );
  return html`<${Unasked} processor=${processor} error=${error} />
    ${value && error === undefined && html`<${Events} events=${value.message} label="Events of working memory" />`}`;
}
