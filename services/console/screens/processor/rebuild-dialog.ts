import { useState } from "preact/hooks";
import { pathOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { formatNumber } from "../../model/format.ts";
import { ConfirmByName, Dialog, textIn } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";
import type { DialogProps } from "./adopt-dialog.ts";

/** What a rebuild would replay, as a dry run says it. */
interface Survey {
  from: number;
  through: number;
  commands: number;
  observes: number;
  learns: number;
}

/** Asks what is to be rebuilt, shows what that would replay, and only then does it. */
export function RebuildDialog({ processor, onClose, onDone }: DialogProps): Children {
  const { id, state } = processor;
  // Of a processor that is held, what its instance has is not known: only the log can be applied again.
  const [isWhole, setWhole] = useState(state === "held");
  const [from, setFrom] = useState("1");
  const [survey, setSurvey] = useState<Survey>();
  const action = useAction();
  const body = isWhole ? { from: Number(from) } : {};
  const path = pathOf("processors", id, "rebuild");
  const choose = (whole: boolean) => {
    setWhole(whole);
    setSurvey(undefined);
  };
  const look = () =>
    action.run(async () => {
      setSurvey(await send<Survey>("POST", `${path}?dry_run=true`, { body }));
      return undefined;
    });
  const rebuild = () =>
    action.run(async () => {
      const { observes } = await send<Survey>("POST", path, { body });
      onDone(
        isWhole
          ? "The instance was cleared, and the log is being applied again."
          : `The instance was given its working memory once more: ${formatNumber(observes)} observations.`,
      );
      return undefined;
    });
  return html`<${Dialog} title=${`Rebuild ${id}`} onClose=${onClose}>
    <fieldset>
      <legend>What is rebuilt</legend>
      ${
        state !== "held" &&
        html`<label class="option">
        <input type="radio" name="what" checked=${!isWhole} onChange=${() => choose(false)} />
        Working memory, emotives and settings. Models stay.
      </label>`
      }
      <label class="option">
        <input type="radio" name="what" checked=${isWhole} onChange=${() => choose(true)} />
        Everything: the instance is cleared, models and all, and the kept log is applied again.
      </label>
      ${
        isWhole &&
        html`<label>
        From sequence
        <input
          type="number"
          min="1"
          value=${from}
          onInput=${(event: InputEvent) => {
            setFrom(textIn(event));
            setSurvey(undefined);
          }}
        />
      </label>`
      }
    </fieldset>
    ${survey && html`<${Replayed} survey=${survey} />`}
    ${
      !survey &&
      html`<div class="buttons">
      <button type="button" class="primary" disabled=${action.isRunning} onClick=${look}>Show what would be replayed</button>
      <button type="button" onClick=${onClose}>Cancel</button>
    </div>`
    }
    ${
      survey &&
      !isWhole &&
      html`<div class="buttons">
      <button type="button" class="primary" disabled=${action.isRunning} onClick=${rebuild}>Rebuild</button>
      <button type="button" onClick=${onClose}>Cancel</button>
    </div>`
    }
    ${
      survey &&
      isWhole &&
      html`<${ConfirmByName}
      name=${id}
      action="Clear and replay"
      isRunning=${action.isRunning}
      onConfirm=${rebuild}
      onCancel=${onClose}
    />`
    }
    <${Told} action=${action} />
  </${Dialog}>`;
}

function Replayed({ survey }: { survey: Survey }): Children {
  const { from, through, commands, observes, learns } = survey;
  if (commands === 0) return html`<p role="status">Nothing would be replayed.</p>`;
  return html`<p role="status">
    Sequences ${from} to ${through} would be replayed: ${formatNumber(commands)} commands, of which
    ${" "}${formatNumber(observes)} observe and ${formatNumber(learns)} learn.
  </p>`;
}
