import { useState } from "preact/hooks";
import { isAborted, messageOf } from "./api.ts";

export interface Action {
  isRunning: boolean;
  /** What came of the last one. */
  told: { isError: boolean; text: string } | undefined;
  /** Runs something. What it resolves to is told, and what it throws. Resolves to whether it succeeded. */
  run(act: () => Promise<string | undefined>): Promise<boolean>;
}

/** Something that a person does: one at a time, and what came of it is told. */
export function useAction(): Action {
  const [isRunning, setRunning] = useState(false);
  const [told, setTold] = useState<Action["told"]>();
  return {
    isRunning,
    told,
    async run(act) {
      if (isRunning) return false;
      setRunning(true);
      setTold(undefined);
      try {
        const text = await act();
        if (text !== undefined) setTold({ isError: false, text });
        return true;
      } catch (error) {
        if (!isAborted(error)) setTold({ isError: true, text: messageOf(error) });
        return false;
      } finally {
        setRunning(false);
      }
    },
  };
}
