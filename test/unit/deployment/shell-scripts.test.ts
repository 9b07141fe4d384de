import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import test from "node:test";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const deploy = resolve(import.meta.dirname, "../../../deploy");

/**
 * Runs a script of deploy with its folders below another root, and with these commands in the place of the
 * machine's.
 */
function run(
  script: string,
  root: string,
  commands: Record<string, string>,
  { args = [], env = {} }: Call = {},
) {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  for (const [name, text] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const text = readFileSync(join(deploy, script), "utf8");
  const moved = text.replaceAll(
    /(?<=[\s"=])\/(secrets|data|former|etc\/nats|run\/secrets)(?=[/\s"])/g,
    `${root}/$1`,
  );
  const variables = { PATH: `${bin}:${process.env.PATH}`, ...env };
  const { stdout, stderr, status } = spawnSync("sh", ["-s", "--", ...args], {
    input: moved,
    env: variables,
    encoding: "utf8",
  });
  return { output: stdout + stderr, status };
}
interface Call {
  args?: string[];
  env?: Record<string, string>;
}

/** The folders that the setup is given, and what it does with them. */
function startSetup(t: TestContext) {
  const root = temporaryFolder(t);
  for (const folder of ["nats", "gateway", "worker"])
    mkdirSync(join(root, "secrets", folder), { recursive: true });
  mkdirSync(join(root, "data/nats-data"), { recursive: true });
  const owner = join(root, "owner");
  writeFileSync(owner, "0");
  const commands = {
    // Only root may give files away. Of the volume's folder it is written down.
    chown: `for last; do :; done; case $last in */nats-data) echo 4222 >${owner} ;; esac`,
    stat: `cat ${owner}`,
  };
  return {
    root,
    setUp: (call?: Call) => run("setup/setup.sh", root, commands, call),
    secret: (file: string) => readFileSync(join(root, "secrets", file), "utf8"),
    filesOf: (folder: string) => readdirSync(join(root, "secrets", folder)).sort(),
  };
}

test("the first start makes the secrets, each for those that need it, and tells none; later ones keep them", (t) => {
  const { root, setUp, secret, filesOf } = startSetup(t);
  const { output, status } = setUp();
  assert.equal(status, 0, output);
  assert.deepEqual(filesOf("nats"), ["gateway", "route", "worker"]);
  const ofGateway = ["admin-key", "discovery-key", "nats-password", "program-keys", "prometheus-key"];
  assert.deepEqual(filesOf("gateway"), ofGateway);
  assert.deepEqual(secret("gateway/program-keys").trim().split("\n"), [
    `${secret("gateway/discovery-key")} {"processors": ["*"], "scope": "discovery", "source": "docker"}`,
    `${secret("gateway/prometheus-key")} {"processors": ["*"], "scope": "read"}`,
  ]);
  assert.deepEqual(filesOf("worker"), ["nats-password"]);
  assert.match(secret("gateway/admin-key"), /^kato_admin_[A-Za-z0-9_-]{43}$/);
  assert.equal(secret("gateway/nats-password"), secret("nats/gateway"));
  assert.equal(secret("worker/nats-password"), secret("nats/worker"));
  const all = ["nats/gateway", "nats/worker", "nats/route", "gateway/admin-key"].map(secret);
  assert.equal(new Set(all).size, all.length);
  for (const each of all) {
    assert.match(each, /^[A-Za-z0-9_-]{43,}$/);
    assert.ok(!output.includes(each));
  }
  assert.equal(statSync(join(root, "secrets/nats/gateway")).mode & 0o777, 0o400);
  assert.deepEqual(setUp(), { output: "", status: 0 });
  assert.deepEqual(["nats/gateway", "nats/worker", "nats/route", "gateway/admin-key"].map(secret), all);

  // One of the two has got lost.
  rmSync(join(root, "secrets/nats/worker"));
  setUp();
  assert.equal(secret("nats/worker"), all[1]);
});

test("passwords of an older installation are taken over, which the log says, and no others", (t) => {
  const { setUp, secret, filesOf } = startSetup(t);
  const env = { NATS_WORKER_PASSWORD: 'o"ld\\er', GRAFANA_PASSWORD: "g", NATS_DISCOVERY_PASSWORD: "d" };
  const { output } = setUp({ env });
  assert.equal(secret("worker/nats-password"), env.NATS_WORKER_PASSWORD);
  assert.equal(secret("nats/worker"), env.NATS_WORKER_PASSWORD);
  assert.match(output, /NATS_WORKER_PASSWORD is taken over into the volumes; take it out of \.env/);
  assert.match(output, /NATS_DISCOVERY_PASSWORD is of no use any more/);
  // Nobody has Grafana here.
  assert.doesNotMatch(output, /GRAFANA/);
  assert.ok(!output.includes(env.NATS_WORKER_PASSWORD));
  assert.ok(!filesOf("nats").includes("discovery"));
});

test("a volume that NATS has filled as root is handed over only where somebody says that NATS is stopped", (t) => {
  const { root, setUp } = startSetup(t);
  writeFileSync(join(root, "data/nats-data/a"), "");
  const refused = setUp();
  assert.equal(refused.status, 1);
  assert.match(refused.output, /docker compose run --rm setup hand-over/);
  assert.match(setUp({ args: ["hand-over"] }).output, /handed nats-data to NATS/);
  assert.equal(setUp().status, 0);
});

const sayWhatIsGiven =
  'if [ "$1" = --version ]; then echo v2.14.0; else echo "args: $*"; env | grep ^NATS_; fi';

/** Starts NATS's start script with these secrets. Unless told otherwise, its nats-server only says what it was given. */
function startScript(
  t: TestContext,
  secrets: Record<string, string>,
  env: Record<string, string> = {},
  { conf, told = sayWhatIsGiven }: { conf?: string; told?: string } = {},
) {
  const root = temporaryFolder(t);
  if (conf !== undefined) cpSync(conf, join(root, "etc/nats"), { recursive: true });
  mkdirSync(join(root, "run/secrets/nats"), { recursive: true });
  for (const [user, password] of Object.entries(secrets)) {
    writeFileSync(join(root, "run/secrets/nats", user), password);
  }
  return run("nats/start.sh", root, { "nats-server": told, hostname: "echo here" }, { env });
}

test("NATS is started with its users' passwords from files, and with none in an argument", (t) => {
  // What a cluster's setup has noted is no password.
  const { output } = startScript(t, { gateway: 'a"b\\c', worker: "123\n", "former-is-left": "" });
  assert.match(output, /^args: -c \S+\/nats\.conf --name here$/m);
  assert.match(output, /^NATS_GATEWAY_PASSWORD="a\\"b\\\\c"$/m);
  assert.match(output, /^NATS_WORKER_PASSWORD="123"$/m);
  assert.doesNotMatch(output, /ROUTE/);
});

test("as a node of a cluster NATS finds the others, with a password that may stand in a URL", (t) => {
  const nodes = { NATS_ROUTES: "nats-1:6222,nats-2:6222" };
  const { output } = startScript(t, { gateway: "a", worker: "b", route: "r_-1" }, nodes);
  assert.match(output, /^args: -c \S+\/cluster\.conf --name here$/m);
  const [, routes = ""] = /^NATS_ROUTE_URLS=\[(.*)\]$/m.exec(output) ?? [];
  assert.deepEqual(routes.match(/"[^"]+"/g), [
    '"nats://node:r_-1@nats-1:6222"',
    '"nats://node:r_-1@nats-2:6222"',
  ]);
  for (const route of ["r@1", ""]) {
    const { status, output: why } = startScript(t, { route }, nodes);
    assert.equal(status, 1);
    assert.match(why, /must be of letters, digits/);
  }
});

const binary = process.env.NATS_SERVER_BIN ?? "nats-server";
const { stdout: version } = spawnSync(binary, ["--version"], { encoding: "utf8" });
const isOld = / v2\.9\./.test(version) && "start.sh changes the files for this version";
test("nats-server takes both configurations with what the script hands over", { skip: isOld }, () => {
  const env: Record<string, string> = {
    NATS_GATEWAY_PASSWORD: '"a\\"b"',
    NATS_WORKER_PASSWORD: '"1"',
    NATS_ROUTE_PASSWORD: '"r"',
    NATS_ROUTE_URLS: '["nats://node:r@nats-1:6222", "nats://node:r@nats-2:6222", ]',
  };
  for (const file of ["nats.conf", "cluster.conf"]) {
    const check = (variables: Record<string, string>) =>
      spawnSync(binary, ["-t", "-c", join(deploy, "nats", file)], { env: variables, encoding: "utf8" });
    const { status, stderr } = check(env);
    assert.equal(status, 0, stderr);
    const { NATS_WORKER_PASSWORD: _, ...others } = env;
    assert.match(check(others).stderr, /NATS_WORKER_PASSWORD/);
  }
});

test("the users of backups are made and removed when somebody asks for it, and others stay as they are", (t) => {
  const { setUp, secret, filesOf } = startSetup(t);
  setUp();
  const before = secret("nats/gateway");
  assert.equal(setUp({ args: ["backup-users"] }).status, 0);
  assert.deepEqual(filesOf("nats"), ["backup", "gateway", "restore", "route", "worker"]);
  const made = secret("nats/backup");
  assert.match(made, /^[A-Za-z0-9_-]{43,}$/);
  setUp();
  assert.equal(secret("nats/backup"), made);
  setUp({ args: ["no-backup-users"] });
  assert.deepEqual(filesOf("nats"), ["gateway", "route", "worker"]);
  assert.equal(secret("nats/gateway"), before);
});

test("NATS has the users of backups while they have passwords", { skip: isOld }, (t) => {
  const users = (secrets: Record<string, string>) => {
    const conf = join(deploy, "nats");
    const told = `[ "$1" = --version ] && echo v2.14.0 || exec ${binary} -t "$@"`;
    const { output, status } = startScript(t, { gateway: "a", worker: "b", ...secrets }, {}, { conf, told });
    assert.equal(status, 0, output);
    const [, file = ""] = /configuration file (\S+) is valid/.exec(output) ?? [];
    const text = readFileSync(join(file, "../users.conf"), "utf8");
    return [...text.matchAll(/^ +user: (\w+)$/gm)].map(([, user]) => user);
  };
  assert.deepEqual(users({ backup: "c" }), ["gateway", "worker"]);
  assert.deepEqual(users({ backup: "c", restore: "d" }), ["gateway", "worker", "backup", "restore"]);
});

test("a cluster does not begin without the logs of an installation of one NATS, unless it is told to", (t) => {
  const { root, setUp, filesOf } = startSetup(t);
  mkdirSync(join(root, "former/jetstream"), { recursive: true });
  const { output, status } = setUp();
  assert.equal(status, 1);
  assert.match(output, /has its logs in the volume of one NATS.*\n.*setup leave-former/);
  assert.deepEqual(filesOf("nats"), []);
  assert.equal(setUp({ args: ["leave-former"] }).status, 0);
  assert.equal(setUp().status, 0);
});
