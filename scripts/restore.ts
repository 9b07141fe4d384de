// npm run restore -- DIR: restores a backup into an empty NATS, while no gateway and no worker runs.
// docs/backup.md tells the steps before and after it.
import { restore } from "../libs/backup/restore.ts";
import { runBackupCommand } from "./backup/run-command.ts";

await runBackupCommand("restore", async ({ argument: folder, ...options }) => {
  const { processors } = await restore({ folder, ...options });
  return `${processors.length} processors are restored; start the workers and gateways`;
});
