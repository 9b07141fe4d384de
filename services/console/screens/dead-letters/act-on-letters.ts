import { useState } from "preact/hooks";
import type { DeadLetter } from "../../../../libs/client/types/gateway.ts";
import { get, messageOf, Problem, pathOf, queryOf, send } from "../../base/api.ts";
import type { Children } from "../../base/html.ts";
import { html } from "../../base/html.ts";
import { useAction } from "../../base/use-action.ts";
import { ConfirmByName, Dialog } from "../../parts/dialog.ts";
import { Told } from "../../parts/notice.ts";

type Verb = "resend" | "discard";
const done: Record<Verb, string> = { resend: "Sent again", discard: "Discarded" };

/** Nobody waits for what is resent either. */
export const comesBack = "What fails again comes back to this list.";

/** Sends one dead letter again, or discards it. */
export async function actOnLetter(id: string, sequence: number, verb: Verb): Promise<void> {
  const path = pathOf("processors", id, "dead-letters", sequence);
  if (verb === "resend") await send("POST", `${path}/resend`);
  else await send("DELETE", path);
}

/** Sending again or discarding those that are chosen, or all. */
export function ActOnLetters({
  id,
  meant,
  hasAny,
  onDone,
}: {
  id: string;
  meant: readonly number[];
  hasAny: boolean;
  /** What came of it, to be told. */
  onDone: (text: string) => Promise<void>;
}): Children {
  const action = useAction();
  const [asked, setAsked] = useState<{ verb: Verb; isAll: boolean }>();
  const [progress, setProgress] = useState(0);

  const act = (verb: Verb, isAll: boolean) =>
    action.run(async () => {
      setAsked(undefined);
      setProgress(0);
      const sequences = isAll ? await allSequences(id) : meant;
      let count = 0;
      try {
        await actOnEach(id, sequences, verb, () => setProgress(++count));
      } finally {
        await onDone(
          count === 0 ? "" : `${done[verb]}: ${count}.${verb === "resend" ? ` ${comesBack}` : ""}`,
        );
      }
      return undefined;
    });
  const some = meant.length > 0;
  return html`
    ${
      hasAny &&
      html`<div class="buttons">
      <button type="button" class="primary" disabled=${!some || action.isRunning} onClick=${() => act("resend", false)}>
        Resend ${some ? `${meant.length} chosen` : "chosen"}
      </button>
      <button type="button" class="danger" disabled=${!some || action.isRunning} onClick=${() => setAsked({ verb: "discard", isAll: false })}>
        Discard ${some ? `${meant.length} chosen` : "chosen"}…
      </button>
      <button type="button" disabled=${action.isRunning} onClick=${() => setAsked({ verb: "resend", isAll: true })}>Resend all…</button>
      <button type="button" class="danger" disabled=${action.isRunning} onClick=${() => setAsked({ verb: "discard", isAll: true })}>
        Discard all…
      </button>
      ${action.isRunning && html`<span class="quiet">${progress} done…</span>`}
    </div>`
    }
    <${Told} action=${action} />
    ${
      asked &&
      html`<${Dialog} title=${`${asked.verb === "resend" ? "Resend" : "Discard"} dead letters of ${id}`} onClose=${() => setAsked(undefined)}>
      <p>
        ${asked.isAll ? "All dead letters of this processor" : `${meant.length} dead letters`}
        ${asked.verb === "resend" ? " are sent again, in their order." : " are thrown away, and nobody can send them again."}
      </p>
      <${ConfirmByName}
        name=${id}
        action=${asked.verb === "resend" ? "Resend" : "Discard"}
        isRunning=${action.isRunning}
        onConfirm=${() => act(asked.verb, asked.isAll)}
        onCancel=${() => setAsked(undefined)}
      />
    </${Dialog}>`
    }
  `;
}

/** Those that there are now: what is resent and fails again comes later, and is not taken a second time. */
async function allSequences(id: string): Promise<number[]> {
  const sequences: number[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const page: { dead_letters: DeadLetter[]; next?: number } = await get(
      `${pathOf("processors", id, "dead-letters")}${queryOf({ from, limit: 1_000 })}`,
    );
    sequences.push(...page.dead_letters.map(({ sequence }) => sequence));
    from = page.next;
  }
  return sequences;
}

/** One after the other, so that they are resent in their order. */
async function actOnEach(
  id: string,
  sequences: readonly number[],
  verb: Verb,
  onOneDone: () => void,
): Promise<void> {
  for (const sequence of sequences) {
    try {
      await actOnLetter(id, sequence, verb);
      onOneDone();
    } catch (error) {
      // Somebody else has dealt with it meanwhile.
      if (error instanceof Problem && error.status === 404) continue;
      throw new Problem(
        `Then ${sequence} failed: ${messageOf(error)}`,
        error instanceof Problem ? error.status : 0,
      );
    }
  }
}
