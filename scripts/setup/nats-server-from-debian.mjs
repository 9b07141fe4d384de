import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { lastLine, run, say } from "./command.mjs";

/**
 * Unpacks the package of Debian or Ubuntu into `work` without installing it. Nothing else changes, and no
 * service is started.
 */
export async function unpackDebianPackage(work) {
  if ((await run("apt-get", ["--version"])).code !== 0) return { failure: "there is no apt-get" };

  say("downloads the Debian package nats-server");
  let download = await run("apt-get", ["download", "nats-server"], { cwd: work });
  if (download.code !== 0) {
    say("fetches Debian's package lists first");
    download = await downloadWithOwnLists(work);
  }
  if (download.code !== 0) return { failure: `apt-get failed (${lastLine(download.output)})` };

  const archive = (await readdir(work)).find((file) => file.endsWith(".deb"));
  const { code, output } = await run("dpkg-deb", ["-x", archive, "."], { cwd: work });
  return code === 0
    ? { binary: join(work, "usr/sbin/nats-server") }
    : { failure: `dpkg-deb failed (${lastLine(output)})` };
}

/** Downloads the package by package lists of our own. Only root can update those of the machine. */
async function downloadWithOwnLists(work) {
  for (const part of ["lists/partial", "archives/partial"])
    await mkdir(join(work, part), { recursive: true });
  const own = ["-o", `Dir::State::Lists=${work}/lists`, "-o", `Dir::Cache=${work}`];
  const update = await run("apt-get", [...own, "update"], { cwd: work });
  return update.code === 0 ? run("apt-get", [...own, "download", "nats-server"], { cwd: work }) : update;
}
