/**
 * The status codes of gRPC by their names, as grpc-js has them too. No service but the simulator loads grpc-js, which
 * takes as long as loading Fastify.
 */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a status code; undefined for a number that is none. */
export function nameOfGrpcStatus(code: number): string | undefined {
  return Object.entries(grpcStatus).find(([, value]) => value === code)?.[0];
}
