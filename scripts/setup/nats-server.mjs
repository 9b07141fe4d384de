import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run, say, secondsSince } from "./command.mjs";
import { unpackDebianPackage } from "./nats-server-from-debian.mjs";
import { buildWithGo, pinnedVersion } from "./nats-server-from-go.mjs";
import { downloadRelease } from "./nats-server-release.mjs";

const oldestVersion = "2.9.4";

/**
 * The nats-server to use: the one that NATS_SERVER_BIN names, else the one in PATH, else one that is
 * installed as .tools/nats-server.
 */
export const natsServer = {
  async find(root) {
    const chosen = process.env.NATS_SERVER_BIN;
    if (chosen) {
      if (await isUsable(chosen)) return chosen;
      throw new Error(`NATS_SERVER_BIN (${chosen}) is no nats-server ${oldestVersion} or newer`);
    }
    const inPath = findInPath();
    if (inPath && (await isUsable(inPath))) return inPath;
    return (await isUpToDate(root)) ? cached(root) : undefined;
  },

  async install(root) {
    const inPath = findInPath();
    const reason = inPath ? `${inPath} is no nats-server ${oldestVersion} or newer` : "there is none in PATH";
    say(`installs a nats-server in .tools: ${reason}`);
    const start = performance.now();
    const work = join(root, ".tools", "nats-server.work");
    try {
      await installFromFirst([buildWithGo, downloadRelease, unpackDebianPackage], work, cached(root));
      await writeFile(stampFile(root), pinnedVersion);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    say(`nats-server installed in ${secondsSince(start)}`);
    return cached(root);
  },
};

async function installFromFirst(sources, work, target) {
  const failures = [];
  for (const source of sources) {
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const { binary, failure } = await source(work);
    if (binary && (await isUsable(binary))) {
      await chmod(binary, 0o755);
      return rename(binary, target);
    }
    failures.push(failure ?? `what that gives is no nats-server ${oldestVersion} or newer`);
    say(failures.at(-1));
  }
  throw new Error(
    `no nats-server: ${failures.join("; ")}.\n` +
      "Install nats-server so that it is in PATH, or name one in NATS_SERVER_BIN; " +
      "npm start can also use a NATS that runs elsewhere: NATS_URL=nats://host:4222",
  );
}

function cached(root) {
  return join(root, ".tools", "nats-server");
}

/** The pinned version when the cached one was installed: that can be older, where the first source did not work. */
function stampFile(root) {
  return join(root, ".tools", "nats-server.pinned");
}

async function isUpToDate(root) {
  if (!existsSync(cached(root))) return false;
  const stamp = await readFile(stampFile(root), "utf8").catch(() => "");
  return stamp === pinnedVersion || isUsable(cached(root), pinnedVersion);
}

function findInPath() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, "nats-server")).find((file) => existsSync(file));
}

async function isUsable(binary, oldest = oldestVersion) {
  const { output } = await run(binary, ["--version"]);
  const version = /v(\d+\.\d+\.\d+)/.exec(output)?.[1];
  return version !== undefined && version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}
