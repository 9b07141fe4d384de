import { useEffect, useState } from "preact/hooks";
import type { Address } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address.ts";

/** What the address says is seen; the component is rendered again when that changes. */
export function useAddress(): Address {
  const [address, setAddress] = useState(() => parseAddress(location.hash));
  useEffect(() => {
    const read = () => setAddress(parseAddress(location.hash));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return address;
}

/** Goes to another view, which the browser's way back leads back from. */
export function goTo(path: readonly string[], query: Record<string, string | undefined> = {}): void {
  location.hash = formatAddress(path, query);
}

/** Changes what is seen of this view, without a step of its own on the way back. */
export function changeQuery(address: Address, changes: Record<string, string | undefined>): void {
  const hash = formatAddress(address.path, { ...address.query, ...changes });
  history.replaceState(null, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
