import { useState } from "preact/hooks";
import type { Processor, Session } from "../../../../libs/client/types/gateway.ts";
import { get, Problem, pathOf } from "../../base/api.ts";
import { noteProcessors } from "../../base/history.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { usePoll } from "../../base/use-poll.ts";
import { mayDo } from "../../model/access.ts";
import type { Address } from "../../model/address.ts";
import { formatAddress } from "../../model/address.ts";
import { adviceFor } from "../../model/advice.ts";
import { ErrorBoundary } from "../../parts/error-boundary.ts";
import { Failure } from "../../parts/notice.ts";
import { StateBadge } from "../../parts/state-badge.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import { Log } from "../log/log.ts";
import { TryIt } from "../try-it/try-it.ts";
import { UploadScreen } from "../upload/upload.ts";
import { Overview } from "./overview.ts";

/** The screens of a processor, with the scope that each needs. */
const screens = {
  "": { title: "Overview", scope: "read", screen: Overview },
  try: { title: "Try it", scope: "read", screen: TryIt },
  upload: { title: "Upload", scope: "write", screen: UploadScreen },
  log: { title: "Log", scope: "operate", screen: Log },
  "dead-letters": { title: "Dead letters", scope: "operate", screen: DeadLetters },
} as const;

/** Whether nothing is expected to change soon: what somebody has just asked for is shown early. */
function hasSettled({ state, paused }: Processor): boolean {
  return (
    state !== "rebuilding" &&
    (state === "paused") === (paused && !["down", "held", "unowned"].includes(state))
  );
}

/** One processor: its name and state, the ways to its screens, and the one that the address names. */
export function ProcessorFrame({
  id,
  who,
  address,
}: {
  id: string;
  who: Session;
  address: Address;
}): Children {
  const [isSettled, setSettled] = useState(true);
  const { value, error, refresh } = usePoll(
    `processor ${id}`,
    async (signal) => {
      const processor = await get<Processor>(pathOf("processors", id), signal);
      noteProcessors([processor], false);
      setSettled(hasSettled(processor));
      return processor;
    },
    { everyMs: isSettled ? 2_000 : 500 },
  );
  const [, , name = ""] = address.path;
  const advice = value && adviceFor(value);
  const mine = Object.entries(screens).filter(([, { scope }]) => mayDo(who.grants, scope));
  const [, chosen] = mine.find(([path]) => path === name) ?? [];
  if (error instanceof Problem && error.status === 404) {
    return html`<h1>${id}</h1>
      <p>No processor is registered as this. <a href=${formatAddress([])}>All processors</a></p>`;
  }
  return html`
    <div class="title">
      <h1>${id}</h1>
      ${value && value.name !== id && html`<span class="quiet">${value.name}</span>`}
      ${value && html`<span role="status"><${StateBadge} state=${value.state} /></span>`}
    </div>
    <nav class="tabs" aria-label=${`Screens of ${id}`}>
      ${mine.map(
        ([path, { title }]) =>
          html`<a
            key=${path}
            href=${formatAddress(["processors", id, ...(path === "" ? [] : [path])])}
            aria-current=${path === name ? "page" : undefined}
            >${title}</a
          >`,
      )}
    </nav>
    <${Failure} error=${error} />
    ${advice && html`<p class="notice warning"><b>${advice.problem}</b> ${advice.remedy}</p>`}
    ${!value && error === undefined && html`<p class="quiet">Loading…</p>`}
    ${
      value &&
      chosen &&
      html`<${ErrorBoundary} key=${name}>
      <${chosen.screen} processor=${value} who=${who} address=${address} refresh=${refresh} />
    </${ErrorBoundary}>`
    }
    ${value && !chosen && html`<p>There is no such screen, or your key does not show it.</p>`}
  `;
}
