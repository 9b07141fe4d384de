import { accessApi, gatewayApi, processorsApi } from "./gateway-api.ts";
import { processorApi } from "./processor-api.ts";
import type { ClientOptions } from "./transport.ts";
import { Transport } from "./transport.ts";

export type KatoClient = ReturnType<typeof katoClient>;

/**
 * A client of one gateway (docs/clients.md). It runs in browsers and in Node. Every method throws a KatoError when it
 * fails.
 */
export function katoClient(options: ClientOptions) {
  const transport = new Transport(options);
  return {
    url: transport.url,
    gateway: gatewayApi(transport),
    processors: processorsApi(transport),
    access: accessApi(transport),
    processor: (id: string) => processorApi(transport, id),
  };
}
