import type { Processor } from "../../../libs/client/types/gateway.ts";

export interface Advice {
  /** What is wrong, in a few words. */
  problem: string;
  /** What somebody can do about it. */
  remedy: string;
}

/**
 * What there is to do about a processor; undefined where there is nothing, also where waiting is enough
 * (docs/operating.md, States).
 */
export function adviceFor(processor: Processor): Advice | undefined {
  const { id, state, reason = "", degraded = "", endpoint, depth, foreign_observes } = processor;
  switch (state) {
    case "held":
      return {
        problem: asSentence(reason) || "Nobody can prove which commands its instance has.",
        remedy: "Adopt the instance if it is right, or rebuild it from a sequence.",
      };
    case "down":
      return {
        problem: asSentence(reason) || "Its instance does not answer.",
        remedy: `Start the instance at ${endpoint}, or correct its endpoint (PUT /processors/${id}).`,
      };
    case "unowned":
      return {
        problem: "No worker runs it.",
        remedy: "Start a worker. If workers run, look whether NATS is away or full.",
      };
    case "paused":
      if (processor.paused_by !== undefined || (depth ?? 0) === 0) break;
      return { problem: `Paused, and ${depth} wait.`, remedy: "Resume it to have them applied." };
  }
  if (degraded !== "") {
    return { problem: asSentence(degraded), remedy: "Rebuild it from a sequence, or clear all its memory." };
  }
  if (foreign_observes) {
    return {
      problem: `${foreign_observes.count} calls came from elsewhere.`,
      remedy: `Find out what else calls ${endpoint}, and stop it.`,
    };
  }
  return undefined;
}

/** What the gateway tells of a processor begins in the middle of a sentence. */
function asSentence(text: string): string {
  const ended = text === "" || /[.!?]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
