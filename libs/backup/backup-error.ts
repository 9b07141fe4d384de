/** Why a backup cannot be made, or not be restored, in words for the operator who has asked for it. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
