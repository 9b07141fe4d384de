import type { Processor, Session } from "../../../libs/client/types/gateway.ts";
import type { Address } from "../model/address.ts";

/** What each screen of a processor is given. */
export interface ProcessorScreenProps {
  processor: Processor;
  who: Session;
  address: Address;
  /** Asks the gateway at once how the processor stands. */
  refresh: () => Promise<void>;
}
