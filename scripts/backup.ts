// npm run backup -- DIR: makes a backup of everything that the system keeps in NATS into a new folder, while it
// runs. docs/backup.md tells what else belongs to a backup, and how one is restored.
import { backUp } from "../libs/backup/back-up.ts";
import { runBackupCommand } from "./backup/run-command.ts";

await runBackupCommand("backup", async ({ argument: folder, ...options }) => {
  const { processors } = await backUp({ folder, ...options });
  const longest = Math.max(0, ...processors.map(({ paused_ms }) => paused_ms));
  return `${folder} has ${processors.length} processors; none was paused for longer than ${longest} ms`;
});
