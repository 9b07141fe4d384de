import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { parse } from "yaml";
import type { ComposeService } from "../../fixtures/compose-files.ts";
import { composeFiles, networksIn, servicesOf, servicesTogether } from "../../fixtures/compose-files.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const dockerfiles = globSync("{,deploy/}Dockerfile.*", { cwd: root });

/**
 * Those of the files that only add to docker-compose.yml name its services without repeating what they are.
 */
const single = servicesOf("docker-compose.yml");

test("the files, folders and services that the compose files name exist", () => {
  assert.equal(composeFiles.length, 5);
  for (const file of composeFiles) {
    const services = servicesOf(file);
    for (const [name, service] of Object.entries(services)) {
      const { image, build, volumes = [], depends_on = [] } = service;
      assert.ok(image ?? single[name]?.image, `${file}: ${name} has no image`);
      if (build) assert.ok(existsSync(join(root, build.context, build.dockerfile)), `${file}: ${name}`);
      for (const [source = ""] of volumes.map((volume) => volume.split(":"))) {
        if (source.startsWith(".")) assert.ok(existsSync(join(root, source)), `${file}: ${source}`);
      }
      for (const needed of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)) {
        assert.ok(needed in { ...single, ...services }, `${file}: ${name} depends on ${needed}`);
      }
    }
  }
});

test("both topologies have the same instances and workers, and Prometheus scrapes these", () => {
  const cluster = servicesOf("deploy/docker-compose.cluster.yml");
  const part = (services: Record<string, ComposeService> = {}, pattern: RegExp) =>
    Object.fromEntries(Object.entries(services).filter(([name]) => pattern.test(name)));
  assert.deepEqual(part(cluster, /^kato-/), part(single, /^kato-/));
  assert.deepEqual(Object.keys(part(cluster, /^worker/)), Object.keys(part(single, /^worker/)));
  const prometheus = read("deploy/prometheus/prometheus.yml");
  for (const worker of Object.keys(part(single, /^worker/)))
    assert.match(prometheus, new RegExp(`${worker}:9464`));
  const [kato, found] = ["deploy/docker-compose.kato.yml", "deploy/docker-compose.discovery.yml"].map(
    servicesOf,
  );
  assert.deepEqual(Object.keys(part(kato, /^kato-/)), Object.keys(part(single, /^kato-/)));
  for (const [name, { environment }] of Object.entries(part(kato, /^kato-/))) {
    const idIn = (text = "") => JSON.parse(text).id;
    assert.equal(idIn(environment?.MANIFEST), idIn(single[name]?.environment?.MANIFEST));
  }
  for (const [name, { environment }] of Object.entries(part(single, /^kato-/))) {
    const { id, name: called } = JSON.parse(environment?.MANIFEST ?? "");
    assert.deepEqual(found?.[name]?.labels, { "kato.processor.id": id, "kato.processor.name": called });
  }
});

const bytesOf = (text = "") => {
  const [, number = "", unit = ""] = /^(\d+)([mg]|MiB)$/.exec(text) ?? [];
  return Number(number) * (unit === "g" ? 1_024 ** 3 : 1_024 ** 2);
};

test("each container has limits of memory, processes and CPU, and docs/containers.md has them", () => {
  const told = read("docs/containers.md");
  const added = ["discovery", "monitoring", "kato"].map((name) => `deploy/docker-compose.${name}.yml`);
  for (const main of ["docker-compose.yml", "deploy/docker-compose.cluster.yml"]) {
    for (const files of [
      [main],
      main === "docker-compose.yml" ? [main, ...added] : [main, ...added.slice(1)],
    ]) {
      for (const [name, { image, mem_limit, pids_limit, cpus, environment }] of servicesTogether(files)) {
        assert.ok(bytesOf(mem_limit) > 0 && Number(pids_limit) > 0, `${files}: ${name}`);
        // How much CPU these need is not known. More than a machine's cores Docker refuses.
        const isFree = image.includes("/kato:") || name === "mongodb";
        assert.equal(cpus ?? 0, isFree ? 0 : 1, name);
        const limit = mem_limit?.replace(
          /(\d+)([mg])/,
          (_, number, unit) => `${number} ${unit.toUpperCase()}B`,
        );
        if (name !== "setup") assert.ok(told.includes(String(limit)), `${name}: ${limit}`);
        if (!name.startsWith("nats")) continue;
        const ofGo = bytesOf(environment?.GOMEMLIMIT);
        assert.ok(ofGo > 0 && ofGo < bytesOf(mem_limit), name);
      }
    }
  }
});

test("Prometheus and Grafana start without each other", () => {
  const { prometheus, grafana } = servicesOf("deploy/docker-compose.monitoring.yml");
  for (const service of [prometheus, grafana])
    assert.deepEqual(Object.keys(service?.depends_on ?? {}), ["setup"]);
});

test("only the proxy has the Docker engine's socket, only discovery reaches the proxy, and the proxy allows only two requests", () => {
  for (const file of composeFiles) {
    const networks = networksIn(file);
    for (const [name, { volumes = [], networks: own = [], ports }] of Object.entries(servicesOf(file))) {
      const hasSocket = volumes.some((volume) => volume.includes("docker.sock"));
      assert.equal(hasSocket, name === "docker-proxy", `${file}: ${name}`);
      assert.equal(
        own.includes("docker-proxy"),
        ["docker-proxy", "discovery"].includes(name),
        `${file}: ${name}`,
      );
      if (hasSocket) assert.equal(ports, undefined);
    }
    if ("docker-proxy" in networks) assert.equal(networks["docker-proxy"]?.internal, true);
  }
  const rules = [...read("deploy/discovery/docker-proxy.cfg").matchAll(/^ +(http-request .*)$/gm)];
  assert.deepEqual(
    rules.map(([, rule]) => rule),
    ["http-request deny deny_status 403 unless { method GET } { path /containers/json /events }"],
  );
});

test("the Dockerfiles copy files that exist and that .dockerignore does not exclude, and have the package's version", () => {
  const { version } = JSON.parse(read("package.json"));
  const sent = new Set([...read(".dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path));
  assert.equal(dockerfiles.length, 4);
  for (const file of dockerfiles) {
    const text = read(file);
    const service = file.split(".").at(-1);
    assert.match(text, new RegExp(`image\\.version="${version.replaceAll(".", "\\.")}"`), file);
    assert.match(text, new RegExp(`^CMD .*"services/${service}/main.ts"\\]$`, "m"));
    // The last one: what is compiled at the build is so as that user, too.
    assert.equal(text.match(/^(USER|FROM) .*/gm)?.at(-1), "USER node", file);
    assert.match(text, /^HEALTHCHECK /m);
    // The classic builder knows neither.
    assert.doesNotMatch(text, /RUN --mount|^# *syntax=/m);
    for (const [, paths = ""] of text.matchAll(/^COPY (?!--)(.+) \S+$/gm)) {
      for (const path of paths.split(" ")) {
        assert.ok(existsSync(join(root, path)), `${file}: ${path}`);
        assert.ok(sent.has(path.split("/")[0] ?? ""), `${file}: ${path} is not sent to the builder`);
      }
    }
  }
});

test("the gateway's image has the command line in its PATH, and all that it imports", () => {
  const text = read("Dockerfile.gateway");
  assert.match(text, /^COPY services\/cli services\/cli$/m);
  assert.match(
    text,
    /^RUN printf '#!\/bin\/sh\\nexec node \/app\/services\/cli\/main.ts "\$@"\\n' >\/usr\/local\/bin\/kato && chmod 755/m,
  );
  const copied = [...text.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, paths = ""]) => paths.split(" "));
  const files = globSync("{services/cli,libs}/**/*.ts", { cwd: root });
  for (const file of files.filter((each) => each.startsWith("services/cli/"))) {
    for (const [, specifier = ""] of read(file).matchAll(/\bfrom "(\.[^"]+)"|import\("(\.[^"]+)"\)/g)) {
      const path = join(file, "..", specifier);
      assert.ok(
        copied.some((each) => path === each || path.startsWith(`${each}/`)),
        `${file}: ${specifier}`,
      );
    }
  }
});

test("the programs have the same Node options in a container as by npm run, both when they run and when they are compiled", () => {
  const [, ofRun = ""] = /^exec "\$node" (.*) "\$@"$/m.exec(read("scripts/run")) ?? [];
  assert.match(ofRun, /^--/);
  for (const file of dockerfiles) {
    const text = read(file);
    const [, command = ""] = /^CMD (\[.*\])$/m.exec(text) ?? [];
    const [node, ...parts] = JSON.parse(command) as string[];
    assert.equal(node, "node", file);
    assert.equal(parts.slice(0, parts.indexOf("--import")).join(" "), ofRun, file);
    // V8 takes nothing that was compiled under other options.
    const [, compiled] = /^ +node (.*) \\$/m.exec(text) ?? [];
    assert.equal(compiled, parts.join(" "), file);
    const [, kept] = /^COPY --from=compiled .* (\S+)$/m.exec(text) ?? [];
    assert.match(
      text,
      new RegExp(`^ENV .*NODE_COMPILE_CACHE=/app/${kept?.replaceAll(".", "\\.")}( |$)`, "m"),
      file,
    );
  }
});

test("the dashboard is JSON, and its panels ask the provisioned data source", () => {
  const dashboard = JSON.parse(read("deploy/grafana/dashboards/kato.json"));
  const { datasources } = parse(read("deploy/grafana/provisioning/datasources/prometheus.yml"));
  for (const panel of dashboard.panels) assert.equal(panel.datasource.uid, datasources[0].uid, panel.title);
});
