import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import { printerFor } from "../connection/session.ts";
import { withExamples } from "../options/examples.ts";
import { CliError, exitCodes } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

const answerMs = 10_000;

interface Work {
  folder: string;
  connection: NatsConnection;
  replicas: number | undefined;
  stopping: AbortSignal;
  progress: (line: string) => void;
}

/** `kato backup` and `kato restore`: what NATS has of all processors. They talk to NATS itself (docs/backup.md). */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("backup <folder>")
      .description("save what NATS keeps, while everything runs; NATS_URL says where NATS is")
      .action(async (folder: string, _options, command: Command) => {
        const { backUp } = await import("../../../libs/backup/back-up.ts");
        const processors = await withNats(
          io,
          "backup",
          folder,
          async (work) => (await backUp(work)).processors,
        );
        printerFor(io, command).told(`${folder} has ${processors.length} processors`, { folder, processors });
      }),
    "kato backup saved",
  );

  withExamples(
    program
      .command("restore <folder>")
      .description("restore a backup into an empty NATS, while no gateway and no worker runs")
      .action(async (folder: string, _options, command: Command) => {
        const { restore } = await import("../../../libs/backup/restore.ts");
        const processors = await withNats(
          io,
          "restore",
          folder,
          async (work) => (await restore(work)).processors,
        );
        const text = `${processors.length} processors are restored; start the workers and gateways`;
        printerFor(io, command).told(text, { folder, processors });
      }),
    "kato restore saved || true    # only into an empty NATS",
  );
}

/** Connects to NATS as the services do, and tells what an operator can see to in one sentence. */
async function withNats<T>(
  io: Io,
  name: "backup" | "restore",
  folder: string,
  run: (work: Work) => Promise<T>,
): Promise<T> {
  const [
    { Environment, SettingsError },
    { commonSettings },
    { NatsLink },
    { BackupError },
    { JetStreamApiError },
  ] = await Promise.all([
    import("../../../libs/config/environment.ts"),
    import("../../../libs/service/common-settings.ts"),
    import("../../../libs/nats/connection.ts"),
    import("../../../libs/backup/backup-error.ts"),
    import("@nats-io/jetstream"),
  ]);
  const progress = (line: string) => io.err.write(`${line}\n`);
  let nats: Awaited<ReturnType<typeof NatsLink.open>>;
  try {
    const environment = await Environment.read(io.variables);
    const settings = commonSettings(environment);
    const replicas = environment.text("NATS_REPLICAS", "") === "" ? undefined : settings.natsReplicas;
    environment.check();
    const log = { info() {}, warn: (_: object, message: string) => progress(message) };
    const late = AbortSignal.timeout(answerMs);
    const stopping = AbortSignal.any([io.stopping, late]);
    nats = await NatsLink.open({
      ...settings.nats,
      replicas: settings.natsReplicas,
      name,
      inbox: name,
      log,
      stopping,
    });
    if (!nats) {
      const remedy = "start it, or say with NATS_URL where it is";
      throw new CliError(
        exitCodes.unreachable,
        `NATS does not answer at ${settings.nats.servers.join(", ")}: ${remedy}`,
      );
    }
    return await run({ folder, connection: nats.connection, replicas, stopping: io.stopping, progress });
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error instanceof SettingsError) throw new CliError(exitCodes.usage, error.message);
    if (error instanceof BackupError) throw new CliError(exitCodes.refused, error.message);
    if (error instanceof JetStreamApiError)
      throw new CliError(exitCodes.refused, `NATS refuses it: ${error.message}`);
    if (io.stopping.aborted)
      throw new CliError(exitCodes.refused, "stopped; nothing is complete, and every processor is resumed");
    throw error;
  } finally {
    await nats?.close();
  }
}
