import type { Processor } from "../../../libs/client/types/gateway.ts";

export type State = Processor["state"];

/** All states of a processor, the most urgent ones first. */
export const states: readonly State[] = [
  "held",
  "down",
  "unowned",
  "rebuilding",
  "paused",
  "applying",
  "ready",
];
