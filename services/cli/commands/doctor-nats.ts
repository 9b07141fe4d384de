import { statfs } from "node:fs/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Environment, SettingsError } from "../../../libs/config/environment.ts";
import { inboxPrefixOf, isInboxOwner } from "../../../libs/nats/inbox.ts";
import { serverOptions } from "../../../libs/nats/server-options.ts";
import { isAtLeast } from "../../../libs/nats/servers.ts";
import { commonSettings } from "../../../libs/service/common-settings.ts";
import type { Io } from "../terminal/io.ts";
import { mebibytes } from "../terminal/time.ts";
import type { Finding } from "./finding.ts";

const connectMs = 3_000;
const oldestVersion = "2.9.4";
/** Of the disk that DATA_DIR is on, and of JetStream's limit. */
const leastFreeShare = 0.1;

/** What NATS itself says, and whether the settings that this environment has are right. */
export async function examineNats({ variables }: Io): Promise<Finding[]> {
  const environment = await Environment.read(variables);
  const settings = commonSettings(environment);
  try {
    environment.check();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return [
      { what: "settings", state: "wrong", detail: error.message, remedy: "docs/operating.md#settings" },
    ];
  }
  const findings: Finding[] = [
    { what: "settings", state: "ok", detail: "those that all services have are right" },
  ];
  const { credentials } = settings.nats;
  const user = credentials && "user" in credentials ? credentials.user : "";
  const connection = await connect({
    ...serverOptions(settings.nats, () => {}),
    name: "doctor",
    // A user of deploy/nats is answered there alone.
    ...(isInboxOwner(user) && { inboxPrefix: inboxPrefixOf(user) }),
    timeout: connectMs,
    reconnect: false,
  }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  if (typeof connection === "string") {
    findings.push({
      what: "NATS",
      state: "wrong",
      detail: `it does not answer (${connection})`,
      remedy: "start it, or correct NATS_URL; a user that is refused needs its password there",
    });
    return [...findings, ...(await disk(environment))];
  }
  try {
    const version = connection.info?.version ?? "0.0.0";
    const isNew = isAtLeast(version, oldestVersion);
    findings.push({
      what: "NATS",
      state: isNew ? "ok" : "wrong",
      detail: `${connection.getServer()} is nats-server ${version}`,
      ...(!isNew && { remedy: `${oldestVersion} or newer is needed` }),
    });
    findings.push(await jetstream(connection));
  } finally {
    await connection.close();
  }
  return [...findings, ...(await disk(environment))];
}

async function jetstream(connection: Awaited<ReturnType<typeof connect>>): Promise<Finding> {
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { storage, streams, limits } = await manager.getAccountInfo();
    const limit = limits.max_storage;
    const isFull = limit > 0 && storage > limit * (1 - leastFreeShare);
    const of = limit > 0 ? ` of ${mebibytes(limit)}` : "";
    return {
      what: "JetStream",
      state: isFull ? "wrong" : "ok",
      detail: `${streams} streams, ${mebibytes(storage)}${of} MiB`,
      ...(isFull && { remedy: "give the account more storage: docs/operating.md#a-full-store" }),
    };
  } catch (error) {
    return {
      what: "JetStream",
      state: "wrong",
      detail: `it does not answer (${error instanceof Error ? error.message : error})`,
      remedy: "start nats-server with -js, or a jetstream block in its configuration",
    };
  }
}

/** The disk of `npm start`, where that is this machine's. */
async function disk(environment: Environment): Promise<Finding[]> {
  const folder = environment.text("DATA_DIR", ".data");
  const stat = await statfs(folder).catch(() => undefined);
  if (!stat) return [];
  const isFull = stat.bavail < stat.blocks * leastFreeShare;
  return [
    {
      what: "disk",
      state: isFull ? "warning" : "ok",
      detail: `${mebibytes(stat.bavail * stat.bsize)} MiB are free where ${folder} is`,
      ...(isFull && { remedy: "make room: NATS stops taking commands when its disk is full" }),
    },
  ];
}
