import type { Ingestion, IngestionReport } from "../../../libs/client/types/bulk.ts";
import { formatNumber, formatSeconds } from "./format.ts";

/** How many of an ingestion's observations have come to their end. */
export const endedOf = ({ applied, failed, unknown, lost }: Ingestion): number =>
  applied + failed + unknown + lost;

/** How an ingestion stands, in a line. */
export function ingestionInWords(ingestion: Ingestion): string {
  const { state, accepted, applied, failed, unknown, lost, eta_seconds } = ingestion;
  const counts = [
    `${formatNumber(applied)} of ${formatNumber(accepted)} applied`,
    failed > 0 && `${formatNumber(failed)} failed`,
    unknown > 0 && `${formatNumber(unknown)} perhaps applied`,
    lost > 0 && `${formatNumber(lost)} lost`,
    state === "accepting" && "still being sent",
    state === "queued" && "waiting for their turn",
    state === "applying" && (eta_seconds ?? 0) > 0 && `about ${formatSeconds(eta_seconds ?? 0)} left`,
  ];
  return `${counts.filter((part) => part !== false).join(", ")}.`;
}

/** What of a file is stored, in a line. */
export function reportInWords({
  accepted,
  first_sequence,
  last_sequence,
  learn_sequence,
}: IngestionReport): string {
  if (accepted === 0) return "No observation is stored.";
  const one = accepted === 1;
  const place =
    first_sequence === null || last_sequence === null
      ? ""
      : one
        ? ` as command ${first_sequence}`
        : ` as commands ${first_sequence} to ${last_sequence}`;
  const learn = learn_sequence === undefined ? "" : `, and a Learn after ${one ? "it" : "them"}`;
  return `${formatNumber(accepted)} ${one ? "observation is" : "observations are"} stored${place}${learn}.`;
}
