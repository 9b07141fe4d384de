import type { Mutations } from "./mutation.ts";

/** Which endpoints may be registered and connected to, and what discovery makes of its lists. */
export const registry: Mutations = {
  "libs/registry/endpoint-policy.ts": [
    {
      breaks: "REST may register anything that is not in the list while there is none",
      find: "const mustBeLoopback = !allow.isSet && !isTrusted(source);",
      replace: "const mustBeLoopback = false;",
    },
    {
      breaks: "a name that does not resolve counts as loopback",
      find: "if (addresses.length === 0 || !areLoopback)",
      replace: "if (!areLoopback)",
    },
    {
      breaks: "a metadata address behind a translated one is connected to",
      find: "return reached.some((each) => isUnsafe(each) && !allow.hasAddress(each));",
      replace: "return isUnsafe(address) && !allow.hasAddress(address);",
    },
    {
      breaks: "REST may register the gateway itself, and NATS",
      find: "if (own.length > 0 &&",
      replace: "if (own.length < 0 &&",
    },
  ],
  "libs/registry/endpoint-allow.ts": [
    {
      breaks: "one of several places of an IPv4 address is enough to be in the list",
      find: "translated.every((each)",
      replace: "translated.some((each)",
    },
  ],
  "libs/registry/processor-entry.ts": [
    {
      breaks: "who says over REST that it is discovery is trusted like the settings",
      find: 'return source === "environment" || source === "file";',
      replace: 'return source !== "rest";',
    },
    {
      breaks: "two discoveries take an id from each other",
      find: "if (isDiscovered(source) && isDiscovered(other)) return source !== other;",
      replace: "",
    },
  ],
  "libs/kato/channel.ts": [
    {
      breaks: "an instance that comes back at another address is not found",
      find: "if (this.#connecting && isSame) return;",
      replace: "if (this.#connecting) return;",
    },
    {
      breaks: "each look at an instance is a new connection",
      find: "const isSame = isDeepStrictEqual(addresses.toSorted(), this.#addresses.toSorted());",
      replace: "const isSame = false;",
    },
  ],
  "services/discovery/registry-sync.ts": [
    {
      breaks: "what was there again while no gateway was is withdrawn too soon",
      find: "this.#missingSince = new Map([...this.#missingSince].filter(([id]) => !ids.has(id)));",
      replace: "",
    },
    {
      breaks: "a refusal for one instance ends the whole list",
      find: "if (error instanceof GatewayRefusal) return `",
      replace: "if (error === undefined) return `",
    },
  ],
};
