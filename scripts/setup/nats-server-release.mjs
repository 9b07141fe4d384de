import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLine, run, say } from "./command.mjs";

// Older than what Go builds, for machines without Go: the checksums of that release are not known here.
const version = "v2.14.0";
const connectTimeoutMs = 10_000;
const downloadTimeoutMs = 180_000;

const sha256 = {
  "linux-amd64": "3d8b74dfad39af184c765a6dd120441ed1c648d6672eddf6b304f222661251b8",
  "linux-arm64": "ce7dc5f7d97b70dabc38b13157fed28d7d06227860676143c15c62c5c297996c",
  "darwin-amd64": "c307afaa5810dea24bfe5bb0cd895ddc7c47946f359823336ef3be1a41bdddfa",
  "darwin-arm64": "36f28cf166e5ae5dd88d700a609c810b97ffad641e0c51b49cf8fae25fb3fac7",
};

/**
 * Downloads the release for this platform. A wrong checksum throws instead of leading to the next source: the
 * file may have been tampered with.
 */
export async function downloadRelease(work) {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  if (!sha256[platform]) return { failure: `no release is pinned for ${platform}` };
  const name = `nats-server-${version}-${platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/${version}/${name}.tar.gz`;

  say(`downloads ${url}`);
  let archive;
  try {
    archive = await download(url);
  } catch (error) {
    return { failure: `the download failed (${error.cause?.code ?? error.message})` };
  }
  const sum = createHash("sha256").update(archive).digest("hex");
  if (sum !== sha256[platform]) throw new Error(`${url} has the SHA-256 ${sum}, not ${sha256[platform]}`);

  await writeFile(join(work, "archive.tar.gz"), archive);
  const { code, output } = await run("tar", ["-xzf", "archive.tar.gz", "--strip-components=1"], {
    cwd: work,
  });
  return code === 0 ? { binary: join(work, "nats-server") } : { failure: `tar failed (${lastLine(output)})` };
}

async function download(url) {
  const stop = new AbortController();
  const giveUp = (after, what) => setTimeout(() => stop.abort(new Error(what)), after);
  const connecting = giveUp(connectTimeoutMs, `no answer in ${connectTimeoutMs / 1000} s`);
  const loading = giveUp(downloadTimeoutMs, `not done in ${downloadTimeoutMs / 1000} s`);
  try {
    const response = await fetch(url, { signal: stop.signal });
    clearTimeout(connecting);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } finally {
    clearTimeout(connecting);
    clearTimeout(loading);
  }
}
