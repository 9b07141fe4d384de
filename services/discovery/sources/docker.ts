import type { IncomingMessage } from "node:http";
import { json, text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { Static } from "typebox";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { http } from "../../../libs/service/serve-http.ts";
import type { DiscoveredInstance, DiscoverySource } from "./source.ts";
import { defaultGrpcPort, endpointOf, labels, listTimeoutMs, unknownLabelsOf } from "./source.ts";

/** Where to reach a Docker engine, or a proxy before its socket. */
export type DockerAddress = { socketPath: string } | { host: string; port: number };

/** Which Docker engine to ask. */
export interface DockerOptions {
  address: DockerAddress;
  /** The Docker network in which instances are called. Undefined: the only network that a container is in. */
  network: string | undefined;
}

/**
 * The fields of an item of `GET /containers/json` that are used. Without its id and its labels nobody could
 * say what an item is. Everything else may be missing, as where a container has no network, or is being made
 * or removed. Podman answers some of it otherwise than Docker.
 */
const Container = Type.Object({
  Id: Type.String(),
  Labels: Type.Intersect([
    Type.Record(Type.String(), Type.String()),
    // Only containers with this label were asked for.
    Type.Object({ [labels.id]: Type.String() }),
  ]),
  Names: Type.Optional(Type.Unknown()),
  /** Unix seconds. */
  Created: Type.Optional(Type.Unknown()),
  State: Type.Optional(Type.Unknown()),
  NetworkSettings: Type.Optional(Type.Unknown()),
});
type Container = Static<typeof Container>;
const Containers = Type.Array(Container);

// The paths name no version of the API, so the engine uses its newest. Engines refuse versions that are too
// old or too new.
const listPath = `/containers/json?all=1&filters=${encodeFilters({ label: [labels.id] })}`;

// Events are not filtered by label: those of a network do not have the labels of the container.
const eventsPath = `/events?filters=${encodeFilters({
  type: ["container", "network"],
  event: ["start", "die", "destroy", "rename", "connect", "disconnect"],
})}`;

const keepAliveMs = 30_000;

/**
 * The containers with a label `kato.processor.id`. Of the engine's API only `GET /containers/json` and `GET
 * /events` are used.
 *
 * An instance is called at its IP address. Its name would be of less use: Docker resolves names only within
 * the same network, and not at all in the default network.
 */
export function dockerSource({ address, network }: DockerOptions): DiscoverySource {
  const at = "socketPath" in address ? address.socketPath : `${address.host}:${address.port}`;
  const where = network ? `in network ${network}` : "in their only network";
  return {
    name: "docker",
    watches: `containers of the Docker engine at ${at}, ${where}`,

    async list(stopping) {
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(listTimeoutMs)]);
      const containers = await json(await get(address, listPath, signal));
      if (!Value.Check(Containers, containers)) {
        const [error] = Value.Errors(Containers, containers);
        throw new Error(`Docker's list of containers is none: ${error?.instancePath} ${error?.message}`);
      }
      return containers.map((container) => instanceOf(container, network));
    },

    async watch(hint, stopping) {
      const events = await get(address, eventsPath, stopping);
      // Something may have changed while there was no watch. The engine does not repeat those events.
      hint();
      events.on("data", hint);
      // The watch did exist, so it resolves even if the connection ends with an error.
      await finished(events).catch(() => {});
    },
  };
}

function instanceOf(container: Container, network: string | undefined): DiscoveredInstance {
  const { Id, Names, Labels, State, Created } = container;
  const id = Labels[labels.id] ?? "";
  const port = Labels[labels.port] || defaultGrpcPort;
  const isRunning = State === "running" || State === "paused";
  const address = isRunning ? addressOf(container, network) : {};
  const [name] = Array.isArray(Names) ? Names : [];
  return {
    where: `container ${typeof name === "string" ? name.replace(/^\//, "") : Id.slice(0, 12)}`,
    id,
    name: Labels[labels.name] || id,
    endpoint: address.ip && endpointOf(address.ip, port),
    ...(address.problem && { problem: address.problem }),
    unknownLabels: unknownLabelsOf(Object.keys(Labels)),
    createdAtMs: typeof Created === "number" ? Created * 1_000 : 0,
  };
}

/** A container's IP address in the network in which it is called, or why it has none. */
function addressOf(
  { NetworkSettings }: Container,
  network: string | undefined,
): { ip?: string; problem?: string } {
  const all = fieldsOf(fieldsOf(NetworkSettings).Networks);
  const names = Object.keys(all).join(", ") || "none";
  if (network === undefined && Object.keys(all).length > 1) {
    return { problem: `is in several networks (${names}): DOCKER_NETWORK must say which one counts` };
  }
  const chosen = network ?? Object.keys(all)[0] ?? "";
  if (network !== undefined && !Object.hasOwn(all, network)) {
    return { problem: `is not in the network ${network}, but in ${names}` };
  }
  const { IPAddress, GlobalIPv6Address } = fieldsOf(all[chosen]);
  const ip = [IPAddress, GlobalIPv6Address].find((address) => typeof address === "string" && address !== "");
  return typeof ip === "string"
    ? { ip }
    : { problem: `has no address of its own in the network ${chosen || "none"}` };
}

/** The fields of a value that may be no object at all. */
function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Sends a GET, and resolves when the headers of the answer are there. Rejects if the status is not 200. */
async function get(address: DockerAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // Each request has its own connection: the engine may have closed one that was kept open.
    const options = { ...address, path, signal, agent: false, headers: { host: "docker" } };
    const sent = http.request(options, resolve);
    sent.setSocketKeepAlive(true, keepAliveMs);
    sent.on("error", reject);
    sent.end();
  });
  if (response.statusCode === 200) return response;
  const [pathname] = path.split("?");
  throw new Error(`GET ${pathname} of Docker: ${response.statusCode} ${(await text(response)).trim()}`);
}

function encodeFilters(filters: Record<string, string[]>): string {
  return encodeURIComponent(JSON.stringify(filters));
}
