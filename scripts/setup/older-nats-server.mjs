import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { say } from "./command.mjs";
import { unpackDebianPackage } from "./nats-server-from-debian.mjs";

/**
 * An older nats-server to test with: Debian's (2.9.10 in Debian 12), as .tools/older-nats-server. It is "" if
 * there is none.
 */
export const olderNatsServer = {
  async find(root) {
    return existsSync(cached(root)) ? cached(root) : undefined;
  },

  async install(root) {
    const work = join(root, ".tools", "older-nats-server.work");
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    try {
      const { binary, failure } = await unpackDebianPackage(work);
      if (!binary) {
        say(`no older nats-server to test with: ${failure}`);
        return "";
      }
      await rename(binary, cached(root));
      return cached(root);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};

function cached(root) {
  return join(root, ".tools", "older-nats-server");
}
