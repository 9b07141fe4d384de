import type { DegradationCode } from "../checkpoint/degradation.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import type { Context } from "./context.ts";

/** Notes in the checkpoint that something is wrong for good, and why. It is persisted with what comes next. */
export function degrade(
  { checkpoint }: Pick<Context, "checkpoint">,
  code: DegradationCode,
  detail: string,
): void {
  checkpoint.update({ degradations: degradedBy(checkpoint.current.degradations, code, detail) });
}
