import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StartedNetwork, StartedTestContainer } from "testcontainers";
import { GenericContainer, getContainerRuntimeClient, Network, RandomUuid, Wait } from "testcontainers";
import type { Send } from "../fixtures/system.ts";
import { sender, untilUsable } from "../fixtures/system.ts";

const root = resolve(import.meta.dirname, "../..");
const passwords = {
  NATS_GATEWAY_PASSWORD: "gateway",
  NATS_WORKER_PASSWORD: "worker",
  NATS_DISCOVERY_PASSWORD: "discovery",
};
/** The processors of docker-compose.yml, two of them. */
export const processors = { "kato-p1": "p46b6b076c", "kato-p2": "pd5d9e6c4c" };

type Image = "gateway" | "worker" | "simulator";

/** The system of docker-compose.yml as containers of a test, each known by its name there. */
export interface ContainerSystem {
  /** To the gateway. */
  request: Send;
  /** The user that an image runs as. */
  userOf(image: Image): Promise<string>;
  /** SIGKILL; resolves once it has ended. */
  kill(name: string): Promise<void>;
  /** Starts one that was killed or stopped. */
  start(name: string): Promise<void>;
  /** SIGTERM, as `docker stop` does; resolves with the exit code. */
  stop(name: string): Promise<number>;
  /** Removes the container of NATS, which is killed for that, and starts a new one on the same volume. */
  replaceNats(): Promise<void>;
  /** The container whose worker runs a processor. */
  ownerOf(processor: string): Promise<string>;
  close(): Promise<void>;
}

/** Why there can be no containers here, or undefined. */
export async function noDocker(): Promise<string | undefined> {
  try {
    await getContainerRuntimeClient();
    return undefined;
  } catch {
    return "no Docker engine answers";
  }
}

/** Builds the images and starts everything; resolves once every processor can be used. */
export async function startContainers(): Promise<ContainerSystem> {
  const { container: engine } = await getContainerRuntimeClient();
  const volume = `kato-test-${new RandomUuid().nextUuid()}`;
  const containers = new Map<string, StartedTestContainer>();
  let network: StartedNetwork | undefined;
  const containerOf = (name: string): StartedTestContainer => {
    const container = containers.get(name);
    if (!container) throw new Error(`there is no ${name}`);
    return container;
  };
  const close = async () => {
    await Promise.all([...containers.values()].map((container) => container.stop({ timeout: 0 })));
    await network?.stop();
    await engine.dockerode.getVolume(volume).remove();
  };
  try {
    await engine.dockerode.createVolume({ Name: volume });
    for (const image of ["gateway", "worker", "simulator"] as const) await build(image);
    const started = await new Network().start();
    network = started;
    const run = async (name: string, container: GenericContainer) => {
      const placed = container.withNetwork(started).withNetworkAliases(name).withDroppedCapabilities("ALL");
      containers.set(name, await placed.withStartupTimeout(120_000).start());
    };
    const runService = (name: string, image: Image, environment: Record<string, string>) =>
      run(
        name,
        new GenericContainer(imageName(image))
          .withEnvironment({ LOG_LEVEL: "warn", ...environment })
          .withWaitStrategy(Wait.forHealthCheck())
          .withExposedPorts(...(image === "gateway" ? [8000] : [])),
      );
    const startNats = () =>
      run(
        "nats",
        new GenericContainer(natsImage())
          .withEntrypoint(["/bin/sh", "/etc/nats/start.sh"])
          .withEnvironment(passwords)
          .withCopyDirectoriesToContainer([{ source: join(root, "deploy/nats"), target: "/etc/nats" }])
          .withBindMounts([{ source: volume, target: "/data" }])
          .withWaitStrategy(Wait.forSuccessfulCommand("/bin/sh /etc/nats/healthy.sh")),
      );
    await startNats();
    for (const [name, id] of Object.entries(processors)) {
      // So slow that whatever happens in an ingestion happens before it is all applied.
      const environment = { MANIFEST: JSON.stringify({ id, name }), SIMULATOR_DELAY_MS: "2" };
      await runService(name, "simulator", environment);
    }
    const endpoints = Object.entries(processors).map(([name, id]) => [id, `${name}:1441`]);
    await runService("gateway", "gateway", {
      NATS_URL: "nats://gateway:gateway@nats:4222",
      KATO_PROCESSORS: JSON.stringify(Object.fromEntries(endpoints)),
    });
    for (const name of ["worker-1", "worker-2"]) {
      await runService(name, "worker", { NATS_URL: "nats://worker:worker@nats:4222" });
    }
    const gateway = containerOf("gateway");
    const url = `http://${gateway.getHost()}:${gateway.getMappedPort(8000)}`;
    await untilUsable(url);
    const request = sender(url);

    return {
      request,
      userOf: async (image) =>
        (await engine.dockerode.getImage(imageName(image)).inspect()).Config.User ?? "",
      async kill(name) {
        const container = engine.getById(containerOf(name).getId());
        await container.kill();
        await container.wait();
      },
      start: (name) => engine.start(engine.getById(containerOf(name).getId())),
      async stop(name) {
        const container = engine.getById(containerOf(name).getId());
        await container.stop({ t: 60 });
        return (await engine.inspect(container)).State.ExitCode;
      },
      async replaceNats() {
        await containerOf("nats").stop({ timeout: 0, removeVolumes: false });
        containers.delete("nats");
        await startNats();
      },
      async ownerOf(processor) {
        const { worker } = (await request("GET", `/processors/${processor}`)).json;
        for (const name of ["worker-1", "worker-2"]) {
          if (String(worker).startsWith(containerOf(name).getId().slice(0, 12))) return name;
        }
        throw new Error(`${processor} is run by ${worker}`);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const imageName = (image: Image) => `kato-gateway/${image}:test`;

async function build(image: Image): Promise<void> {
  const dockerfile = GenericContainer.fromDockerfile(root, `Dockerfile.${image}`);
  await dockerfile.build(imageName(image), { deleteOnExit: false });
}

/** The one of docker-compose.yml, so that the tests run what is shipped. */
function natsImage(): string {
  const compose = readFileSync(join(root, "docker-compose.yml"), "utf8");
  const tag = /image: nats:\$\{NATS_TAG:-([\w.-]+)\}/.exec(compose)?.[1];
  if (tag === undefined) throw new Error("docker-compose.yml names no image of NATS");
  return `nats:${tag}`;
}
