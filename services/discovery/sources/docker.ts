import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { json, text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { Static } from "typebox";
import { Type } from "typebox";
import { Value } from "typebox/value";
import type { DiscoverySource, Found } from "./source.ts";
import { defaultGrpcPort, endpointOf, labels, listTimeoutMs } from "./source.ts";

/** Where a Docker engine, or a proxy of its socket, is. */
export type DockerAddress = { socketPath: string } | { host: string; port: number };

export interface DockerOptions {
  address: DockerAddress;
  /** The network in which the instances are called; undefined: the only one that a container is in. */
  network: string | undefined;
}

/** What is used of an item of `GET /containers/json`. */
const Container = Type.Object({
  Id: Type.String(),
  /** Null while it is being removed. */
  Names: Type.Union([Type.Array(Type.String()), Type.Null()]),
  /** Unix seconds. */
  Created: Type.Number(),
  State: Type.String(),
  Labels: Type.Record(Type.String(), Type.String()),
  NetworkSettings: Type.Object({
    Networks: Type.Record(
      Type.String(),
      Type.Object({ IPAddress: Type.String(), GlobalIPv6Address: Type.Optional(Type.String()) }),
    ),
  }),
});
type Container = Static<typeof Container>;
const Containers = Type.Array(Container);

// Without a version in the path the engine answers in its own: engines refuse versions that are too old or too new for them.
const listPath = `/containers/json?all=1&filters=${filters({ label: [labels.id] })}`;

// Not by label: what a network tells carries none of the container's labels.
const eventsPath = `/events?filters=${filters({
  type: ["container", "network"],
  event: ["start", "die", "destroy", "rename", "connect", "disconnect"],
})}`;

const keepAliveMs = 30_000;

/**
 * The containers with a `kato.processor.id` label. Of the engine's API only `GET /containers/json` and `GET /events` are used.
 *
 * An instance is called at its address in a network, as a name can be resolved only from within the same network, and not in the default
 * one.
 */
export function dockerSource({ address, network }: DockerOptions): DiscoverySource {
  const at = "socketPath" in address ? address.socketPath : `${address.host}:${address.port}`;
  return {
    name: "docker",
    watches: `containers of the Docker engine at ${at}, ${network ? `in network ${network}` : "in their only network"}`,

    async list(stopping) {
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(listTimeoutMs)]);
      const containers = await json(await get(address, listPath, signal));
      if (!Value.Check(Containers, containers)) {
        const [error] = Value.Errors(Containers, containers);
        throw new Error(`Docker's list of containers is none: ${error?.instancePath} ${error?.message}`);
      }
      return containers.map((container) => foundOf(container, network));
    },

    async watch(hint, stopping) {
      const events = await get(address, eventsPath, stopping);
      // What changed while nothing was heard is not told any more.
      hint();
      events.on("data", hint);
      // However it ends, it had been there.
      await finished(events).catch(() => {});
    },
  };
}

function foundOf(container: Container, network: string | undefined): Found {
  const { Id, Names, Labels, State, Created } = container;
  const id = Labels[labels.id] ?? "";
  const port = Labels[labels.port] || defaultGrpcPort;
  const isRunning = State === "running" || State === "paused";
  const address = isRunning ? addressOf(container, network) : {};
  return {
    where: `container ${Names?.[0]?.replace(/^\//, "") ?? Id.slice(0, 12)}`,
    id,
    name: Labels[labels.name] || id,
    endpoint: address.ip && endpointOf(address.ip, port),
    ...(address.problem && { problem: address.problem }),
    createdAt: Created * 1_000,
  };
}

/** Its address in the network in which it is called, or why there is none. */
function addressOf(
  { NetworkSettings }: Container,
  network: string | undefined,
): { ip?: string; problem?: string } {
  const networks = Object.keys(NetworkSettings.Networks);
  const all = networks.join(", ") || "none";
  if (network === undefined && networks.length > 1) {
    return { problem: `is in several networks (${all}): DOCKER_NETWORK must say which one counts` };
  }
  const chosen = NetworkSettings.Networks[network ?? networks[0] ?? ""];
  if (!chosen) return { problem: `is not in the network ${network}, but in ${all}` };
  const ip = chosen.IPAddress || chosen.GlobalIPv6Address;
  return ip ? { ip } : { problem: `has no address of its own in the network ${network ?? all}` };
}

/** The answer to a GET, once its head is there. Rejects where that is no 200. */
async function get(address: DockerAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // A connection of its own: one that is kept may have been closed by the engine meanwhile.
    const asked = request({ ...address, path, signal, agent: false, headers: { host: "docker" } }, resolve);
    asked.setSocketKeepAlive(true, keepAliveMs);
    asked.on("error", reject);
    asked.end();
  });
  if (response.statusCode === 200) return response;
  const [about] = path.split("?");
  throw new Error(`GET ${about} of Docker: ${response.statusCode} ${(await text(response)).trim()}`);
}

function filters(of: Record<string, string[]>): string {
  return encodeURIComponent(JSON.stringify(of));
}
