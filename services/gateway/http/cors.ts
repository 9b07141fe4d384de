import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];
/** What a page may read of an answer besides its body. */
const exposedHeaders = [
  "Kato-Sequence",
  "Kato-Command",
  "Kato-Ingestion",
  "Location",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "Preference-Applied",
  "Idempotency-Replayed",
];
const preflightKeptSeconds = 600;

/**
 * Lets pages of these origins use the API in a browser; `*` stands for every origin. Without any, no page of
 * another origin may.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  void app.register(cors, {
    origin: origins.includes("*") ? "*" : [...origins],
    methods,
    exposedHeaders,
    maxAge: preflightKeptSeconds,
    // An OPTIONS that is no preflight is answered as one.
    strictPreflight: false,
  });
}
