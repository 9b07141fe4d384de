import type { Children } from "../base/html.ts";
import { html } from "../base/html.ts";
import type { State } from "../model/states.ts";

/** A sign beside the word, so that no state is told by its colour alone. */
const signs: Record<State, string> = {
  ready: "●",
  applying: "▶",
  rebuilding: "↻",
  paused: "❚❚",
  down: "✕",
  held: "!",
  unowned: "○",
};

export function StateBadge({ state }: { state: State }): Children {
  return html`<span class=${`state state-${state}`}><span aria-hidden="true">${signs[state]}</span> ${state}</span>`;
}
