// npm run replicas -- N: has NATS keep N replicas of everything that exists, while the system runs. NATS_REPLICAS
// counts for what is created.
import { BackupError } from "../libs/backup/backup-error.ts";
import { setReplicas } from "../libs/backup/replicas.ts";
import { runBackupCommand } from "./backup/run-command.ts";

await runBackupCommand("replicas", async ({ argument, connection, stopping, progress }) => {
  const replicas = Number(argument);
  if (!/^[135]$/.test(argument)) throw new BackupError(`a number of replicas is 1, 3 or 5, not ${argument}`);
  const changed = await setReplicas({ connection, replicas, stopping, progress });
  return changed.length > 0
    ? `${changed.length} streams and buckets have ${replicas} replicas now; set NATS_REPLICAS=${replicas} for new ones`
    : `all have ${replicas} replicas already`;
});
