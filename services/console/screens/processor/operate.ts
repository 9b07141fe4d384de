import { useState } from "preact/hooks";
import type { Processor } from "../../../../libs/client/types/gateway.ts";
import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { Told } from "../../parts/notice.ts";
import { AdoptDialog } from "./adopt-dialog.ts";
import { RebuildDialog } from "./rebuild-dialog.ts";

interface OperateProps {
  processor: Processor;
  refresh: () => Promise<void>;
}

/** Pausing, resuming, rebuilding and adopting. What came of it is the state that the gateway tells. */
export function Operate({ processor, refresh }: OperateProps): Children {
  const { id, paused, state } = processor;
  const [asked, setAsked] = useState<"rebuild" | "adopt">();
  const action = useAction();
  const close = () => setAsked(undefined);
  const act = (verb: "pause" | "resume") =>
    action.run(async () => {
      await send("POST", pathOf("processors", id, verb));
      await refresh();
      return verb === "pause" ? "It is told to pause." : "It is told to go on.";
    });
  const done = async (text: string) => {
    close();
    await action.run(async () => {
      await refresh();
      return text;
    });
  };
  return html`<div class="buttons">
      ${
        paused
          ? html`<button type="button" class="primary" disabled=${action.isRunning} onClick=${() => act("resume")}>
            Resume
          </button>`
          : html`<button type="button" disabled=${action.isRunning} onClick=${() => act("pause")}>Pause</button>`
      }
      <button type="button" onClick=${() => setAsked("rebuild")}>Rebuild…</button>
      ${state === "held" && html`<button type="button" onClick=${() => setAsked("adopt")}>Adopt…</button>`}
    </div>
    <${Told} action=${action} />
    ${asked === "rebuild" && html`<${RebuildDialog} processor=${processor} onClose=${close} onDone=${done} />`}
    ${asked === "adopt" && html`<${AdoptDialog} processor=${processor} onClose=${close} onDone=${done} />`}`;
}
