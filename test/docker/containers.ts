import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StartedNetwork, StartedTestContainer } from "testcontainers";
import { GenericContainer, getContainerRuntimeClient, Network, RandomUuid, Wait } from "testcontainers";
import type { Send } from "../fixtures/http-client.ts";
import { sendTo } from "../fixtures/http-client.ts";
import { untilUsable } from "../fixtures/system.ts";

const root = resolve(import.meta.dirname, "../..");
/** As in the `.env` of an older installation, so that they are known here. */
const passwords = { NATS_GATEWAY_PASSWORD: "gateway", NATS_WORKER_PASSWORD: "worker" };
/** The processors of docker-compose.yml, two of them. */
export const processors = { "kato-p1": "p46b6b076c", "kato-p2": "pd5d9e6c4c" };

export const images = ["gateway", "worker", "simulator", "discovery"] as const;
type Image = (typeof images)[number];

/** The system of docker-compose.yml as containers of a test, each known by its name there. */
export interface ContainerSystem {
  /** To the first gateway. */
  request: Send;
  /** To both gateways, through the balancer of deploy/docker-compose.cluster.yml. */
  balanced: Send;
  /** The metrics of a gateway. */
  metricsOf(gateway: "gateway-1" | "gateway-2"): Promise<string>;
  /** Starts another instance, with discovery's labels. */
  startFound(name: string, processor: string): Promise<void>;
  /** Removes a container. */
  remove(name: string): Promise<void>;
  /**
   * What Node tells of its compile cache where a container's own command is run once more, with a setting
   * that ends it.
   */
  compileCacheOf(name: string): Promise<string>;
  /** Runs a command in a container. */
  run(name: string, command: string[]): Promise<{ exitCode: number; output: string }>;
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
  const { container: engine, info } = await getContainerRuntimeClient();
  const unique = `kato-test-${new RandomUuid().nextUuid()}`;
  const [volume, secrets] = [`${unique}-data`, `${unique}-secrets`];
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
    for (const name of [volume, secrets]) await engine.dockerode.getVolume(name).remove();
  };
  try {
    for (const Name of [volume, secrets]) await engine.dockerode.createVolume({ Name });
    for (const image of images) await build(image);
    const started = await new Network().start();
    network = started;
    const run = async (name: string, container: GenericContainer) => {
      const placed = container.withNetwork(started).withNetworkAliases(name).withDroppedCapabilities("ALL");
      containers.set(name, await placed.withStartupTimeout(120_000).start());
    };
    const runService = (
      name: string,
      image: Image,
      environment: Record<string, string>,
      labels: Record<string, string> = {},
    ) =>
      run(
        name,
        new GenericContainer(imageName(image))
          .withEnvironment({ LOG_LEVEL: "warn", ...environment })
          .withLabels(labels)
          .withWaitStrategy(Wait.forHealthCheck())
          .withExposedPorts(...(image === "gateway" ? [8000] : [])),
      );
    const natsImage = imageIn("docker-compose.yml", "nats");
    const setup = await new GenericContainer(natsImage)
      .withEntrypoint(["/bin/sh", "/setup/setup.sh"])
      .withEnvironment(passwords)
      .withCopyDirectoriesToContainer([{ source: join(root, "deploy/setup"), target: "/setup" }])
      .withBindMounts([
        { source: secrets, target: "/secrets/nats" },
        { source: volume, target: "/data/nats-data" },
      ])
      .withTmpFs({ "/secrets/gateway": "rw", "/secrets/worker": "rw" })
      .withNetworkMode("none")
      .withDroppedCapabilities("ALL")
      .withAddedCapabilities("CHOWN", "DAC_OVERRIDE")
      .withWaitStrategy(Wait.forOneShotStartup())
      .start();
    await setup.stop();
    const startNats = () =>
      run(
        "nats",
        new GenericContainer(natsImage)
          .withEntrypoint(["/bin/sh", "/etc/nats/start.sh"])
          .withUser("4222:4222")
          .withCopyDirectoriesToContainer([{ source: join(root, "deploy/nats"), target: "/etc/nats" }])
          .withBindMounts([
            { source: secrets, target: "/run/secrets/nats", mode: "ro" },
            { source: volume, target: "/data" },
          ])
          .withWaitStrategy(Wait.forSuccessfulCommand("/bin/sh /etc/nats/healthy.sh")),
      );
    await startNats();
    for (const [name, id] of Object.entries(processors)) {
      // So slow that whatever happens in an ingestion happens before it is all applied.
      const environment = { MANIFEST: JSON.stringify({ id, name }), SIMULATOR_DELAY_MS: "2" };
      await runService(name, "simulator", environment);
    }
    // The networks that Docker makes.
    const allow = "172.16.0.0/12, 192.168.0.0/16, 10.0.0.0/8";
    const endpoints = Object.entries(processors).map(([name, id]) => [id, `${name}:1441`]);
    for (const name of ["gateway-1", "gateway-2"]) {
      await runService(name, "gateway", {
        NATS_URL: "nats://gateway:gateway@nats:4222",
        GATEWAY_AUTH: "none",
        KATO_PROCESSORS: JSON.stringify(Object.fromEntries(endpoints)),
        ENDPOINT_ALLOW: allow,
      });
    }
    for (const name of ["worker-1", "worker-2"]) {
      await runService(name, "worker", { NATS_URL: "nats://worker:worker@nats:4222", ENDPOINT_ALLOW: allow });
    }
    const balancerConfig = configOfProxy("balancer/haproxy.cfg");
    await run(
      "balancer",
      new GenericContainer(imageIn("deploy/docker-compose.cluster.yml", "haproxy"))
        .withCopyFilesToContainer([balancerConfig])
        .withExposedPorts(8000),
    );
    await run(
      "docker-proxy",
      new GenericContainer(imageIn("deploy/docker-compose.discovery.yml", "haproxy"))
        .withUser("root")
        .withCopyFilesToContainer([configOfProxy("discovery/docker-proxy.cfg")])
        .withBindMounts([
          { source: info.containerRuntime.remoteSocketPath, target: "/var/run/docker.sock", mode: "ro" },
        ]),
    );
    await runService("discovery", "discovery", {
      GATEWAY_URL: "http://gateway-1:8000,http://gateway-2:8000",
      DISCOVERY: "docker",
      DOCKER_HOST: "tcp://docker-proxy:2375",
      DOCKER_NETWORK: started.getName(),
      DISCOVERY_FORGET_MS: "0",
    });
    const urlOf = (name: string) => {
      const container = containerOf(name);
      return `http://${container.getHost()}:${container.getMappedPort(8000)}`;
    };
    await untilUsable(urlOf("gateway-1"));
    await untilUsable(urlOf("balancer"));
    const request = sendTo(urlOf("gateway-1"));

    return {
      request,
      balanced: sendTo(urlOf("balancer")),
      metricsOf: async (gateway) => (await sendTo(urlOf(gateway))("GET", "/metrics")).text,
      startFound: (name, id) =>
        runService(
          name,
          "simulator",
          { MANIFEST: JSON.stringify({ id, name }) },
          { "kato.processor.id": id, "kato.processor.name": name },
        ),
      async remove(name) {
        await containerOf(name).stop({ timeout: 0 });
        containers.delete(name);
      },
      async compileCacheOf(name) {
        const again = ["sh", "-c", "xargs -0 env < /proc/1/cmdline"];
        const env = { LOG_LEVEL: "none", NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
        return (await containerOf(name).exec(again, { env })).output;
      },
      run: (name, command) => containerOf(name).exec(command),
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
  const [dockerfile = ""] = globSync(`{,deploy/}Dockerfile.${image}`, { cwd: root });
  await GenericContainer.fromDockerfile(root, dockerfile).build(imageName(image), { deleteOnExit: false });
}

/** The image that a compose file names, so that the tests run what is shipped. */
function imageIn(file: string, image: string): string {
  const compose = readFileSync(join(root, file), "utf8");
  const tag = new RegExp(`image: ${image}:\\$\\{\\w+:-([\\w.-]+)\\}`).exec(compose)?.[1];
  if (tag === undefined) throw new Error(`${file} names no image of ${image}`);
  return `${image}:${tag}`;
}

function configOfProxy(file: string): { source: string; target: string } {
  return { source: join(root, "deploy", file), target: "/usr/local/etc/haproxy/haproxy.cfg" };
}
