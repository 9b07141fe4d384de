import type { Address } from "../model/address.ts";
import type { Processor, Session } from "../model/api-types.ts";

/** What each screen of a processor is given. */
export interface ProcessorScreenProps {
  processor: Processor;
  who: Session;
  address: Address;
  /** Asks the gateway at once how the processor stands. */
  refresh: () => Promise<void>;
}
