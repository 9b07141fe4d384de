import { JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { TimeoutError } from "@nats-io/transport-node";
import { BackupError } from "../../libs/backup/backup-error.ts";
import { Environment, SettingsError } from "../../libs/config/environment.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { commonSettings } from "../../libs/service/common-settings.ts";

export interface BackupCommand {
  /** Its only argument. */
  argument: string;
  /** Whether the keys of clients are wanted, too. */
  withKeys: boolean;
  connection: NatsConnection;
  /** NATS_REPLICAS; undefined where it is not set. */
  replicas: number | undefined;
  /** Aborted at the first SIGINT, SIGTERM or SIGHUP. */
  stopping: AbortSignal;
  /** Writes a line to standard error. */
  progress: (line: string) => void;
}

/** What each command takes, and as which of NATS's users it is answered. */
const commands = {
  backup: { argument: "DIR", inbox: "backup", hasKeys: true },
  restore: { argument: "DIR", inbox: "restore", hasKeys: true },
  replicas: { argument: "3", inbox: "restore", hasKeys: false },
} as const;

/**
 * Runs a command about what NATS keeps as this process, with one argument and the settings of NATS that the
 * services have. `run` resolves to the line to end with. What an operator can see to is one
 * line on standard error, and the exit status is 1; for wrong arguments it is 2.
 */
export async function runBackupCommand(
  name: keyof typeof commands,
  run: (command: BackupCommand) => Promise<string>,
): Promise<void> {
  const progress = (line: string) => void process.stderr.write(`${name}: ${line}\n`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      progress(`stopping (${signal})`);
      stop.abort();
    });
  }
  let nats: NatsLink | undefined;
  try {
    const { hasKeys } = commands[name];
    const [argument, ...more] = process.argv.slice(2).filter((each) => !hasKeys || each !== "--keys");
    const withKeys = hasKeys && process.argv.includes("--keys");
    if (argument === undefined || argument.startsWith("-") || more.length > 0) {
      const options = hasKeys ? "[--keys] " : "";
      progress(`give it one argument: npm run ${name} -- ${options}${commands[name].argument}`);
      process.exitCode = 2;
      return;
    }
    const environment = await Environment.read();
    const settings = commonSettings(environment);
    const replicas = environment.text("NATS_REPLICAS", "") === "" ? undefined : settings.natsReplicas;
    environment.check();
    const log = { info() {}, warn: (_: object, message: string) => progress(message) };
    nats = await NatsLink.open({
      ...settings.nats,
      replicas: settings.natsReplicas,
      name,
      inbox: commands[name].inbox,
      log,
      stopping: stop.signal,
    });
    if (!nats) throw new BackupError("stopped before NATS answered");
    const { connection } = nats;
    progress(await run({ argument, withKeys, connection, replicas, stopping: stop.signal, progress }));
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof BackupError || error instanceof SettingsError) progress(error.message);
    else if (error instanceof JetStreamApiError) progress(`NATS refuses it: ${error.message}`);
    else if (stop.signal.aborted) progress("stopped; nothing is complete, and every processor is resumed");
    else if (error instanceof TimeoutError)
      progress("NATS did not answer in time, as while its nodes elect a leader: try again");
    else progress(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await nats?.close();
  }
}
