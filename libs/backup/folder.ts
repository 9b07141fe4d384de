import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackupError } from "./backup-error.ts";
import type { Manifest } from "./manifest.ts";
import { manifestFile } from "./manifest.ts";

/** It has the checksums of all other files, in the form of sha256sum, and is written last. */
const sumsFile = "SHA256SUMS";
const sumPattern = /^([0-9a-f]{64}) {2}(.+)$/;
const bufferBytes = 256 * 1024;

/** Makes the folder of a new backup. Throws if something is in it. */
export async function createFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new BackupError(`${folder} is not empty: a backup takes a new folder, or an empty one`);
  }
}

/** A file of a backup that is being written. Its checksum is counted on the way. */
export class BackupFile {
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  #buffered: Uint8Array[] = [];
  #bufferedBytes = 0;
  /** How many bytes it has. */
  bytes = 0;

  private constructor(name: string, handle: FileHandle) {
    this.#name = name;
    this.#handle = handle;
  }

  static async create(folder: string, name: string): Promise<BackupFile> {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    return new BackupFile(name, await open(join(folder, name), "wx"));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    this.#bufferedBytes += bytes.length;
    this.#buffered.push(bytes);
    if (this.#bufferedBytes >= bufferBytes) await this.#flush();
  }

  /** Resolves to the file's line in the sums, once the file is on the disk. */
  async finish(): Promise<string> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    return `${this.#hash.digest("hex")}  ${this.#name}\n`;
  }

  /** Closes it, whether it is finished or not. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#buffered);
    this.#buffered = [];
    this.#bufferedBytes = 0;
    for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }
}

/** Writes the manifest and the sums, which makes the backup a complete one. */
export async function completeFolder(folder: string, manifest: Manifest, sums: string[]): Promise<void> {
  const sum = await writeFile(folder, manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
  const unfinished = `${sumsFile}.unfinished`;
  await writeFile(folder, unfinished, [...sums, sum].join(""));
  await rename(join(folder, unfinished), join(folder, sumsFile));
}

async function writeFile(folder: string, name: string, text: string): Promise<string> {
  const file = await BackupFile.create(folder, name);
  await file.write(Buffer.from(text));
  return file.finish();
}

/**
 * Reads the manifest of a backup, after every file was compared with its checksum. Throws if the backup is not
 * complete, or if a file is missing or is not what it was.
 */
export async function readFolder(folder: string): Promise<Manifest> {
  const sums = await readFile(join(folder, sumsFile), "utf8").catch(() => undefined);
  if (sums === undefined) {
    throw new BackupError(`${folder} has no complete backup: ${sumsFile}, which is written last, is missing`);
  }
  const names = new Set<string>();
  for (const line of sums.split("\n").filter((text) => text !== "")) {
    const [, expected, name] = sumPattern.exec(line) ?? [];
    if (name === undefined)
      throw new BackupError(`${sumsFile} has a line that is none of sha256sum: ${line}`);
    const found = await sumOf(join(folder, name));
    if (found === undefined) throw new BackupError(`${name} is missing`);
    if (found !== expected) throw new BackupError(`${name} is damaged: its checksum is not the one it had`);
    names.add(name);
  }
  if (!names.has(manifestFile)) throw new BackupError(`${sumsFile} does not name ${manifestFile}`);
  const manifest: Manifest = JSON.parse(await readFile(join(folder, manifestFile), "utf8"));
  if (manifest.format !== 1) {
    throw new BackupError(`the backup has the form ${manifest.format}, which this version does not know`);
  }
  return manifest;
}

/** The checksum of a file; undefined if it cannot be read. */
async function sumOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
