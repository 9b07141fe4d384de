import type { LogFacts } from "../../../libs/commands/log/log-identity.ts";
import type { KnownLog } from "../checkpoint/checkpoint.ts";
import { unknownLog } from "../checkpoint/checkpoint.ts";
import { degradedBy } from "../checkpoint/degradation.ts";
import { judgeLog } from "../checkpoint/judge-log.ts";
import type { LostCommands } from "../checkpoint/lost-commands.ts";
import { afterLoss, lostUnderWay } from "../checkpoint/lost-commands.ts";
import { neededFrom } from "../checkpoint/transitions.ts";
import type { Context } from "../engine/context.ts";
import type { CommandOutcomes } from "../outcomes/command-outcomes.ts";
import { heldBecause } from "./held-because.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";

/**
 * After a loss the numbers of the log go on at the next multiple of this. Commands that no worker has seen may
 * have had sequences above those that are known to be used.
 */
const numbersStep = 1_000_000_000;

/** How far the time at which the end of a log was seen may be behind the clock of NATS. */
const clockToleranceMs = 500;

/**
 * Compares the log with what the checkpoint knows of it, and goes on accordingly (docs/recovery.md, When the
 * log is not what it was). Creates the log if it is missing. To be called before the log is read, while no
 * command is in hand and nothing else has the instance. `seen` is what the log has said of itself just now, if it
 * was asked. Resolves to the last sequence that the log had; to undefined if the processor is held. Rejects if NATS does
 * not answer.
 */
export async function checkLog(
  environment: ProcessorEnvironment,
  { context, outcomes }: { context: Context; outcomes: Pick<CommandOutcomes, "forgetSequences"> },
  seen?: LogFacts,
): Promise<number | undefined> {
  const { processor, stores, clock, remembered } = environment;
  const { checkpoint } = context;
  if (checkpoint.current.held) return undefined;
  const { current } = checkpoint;
  const used = Math.max(current.applied, current.usedThrough, current.log?.end ?? 0);
  const facts = seen ?? (await stores.identity.look(processor, await stores.logs.ensure(processor, used)));
  const { applied, log } = current;
  const known = log ?? unknownLog;
  // NATS may have gone back to before the log had an id.
  const id = remembered.hasGoneBack && facts.id === undefined ? null : known.id;
  const verdict = judgeLog({ ...known, id }, applied, {
    ...facts,
    nowMs: facts.nowMs ?? clock.unixMs(),
    ...(await compareLatest(environment, known)),
    firstUnseen: await firstUnseen(environment, known),
  });
  if (verdict.kind === "unclear") {
    const held = heldBecause(verdict.why, facts.last, { log: context.log, clock });
    await checkpoint.persist({ held });
  } else if (verdict.kind === "lost") {
    const after = await knownAfter(environment, known, facts, verdict.newFrom);
    outcomes.forgetSequences();
    await goOnAfterLoss(context, verdict, after, remembered.hasGoneBack === true);
  } else await passLostUnderWay(environment, context);
  if (remembered.hasGoneBack) await tellThatItWentBack(context);
  remembered.hasGoneBack = false;
  if (checkpoint.current.held) return undefined;
  await moveNumbers(environment, context);
  // An id costs NATS as much as the log itself. So it is given when the first command comes.
  const isNew = known.id === null && facts.id === undefined && facts.last === 0;
  if (!isNew) await nameLog(environment, context, facts);
  return facts.last;
}

async function compareLatest({ processor, stores }: ProcessorEnvironment, { latest }: KnownLog) {
  const { sequence, storedAtMs } = latest;
  if (storedAtMs === 0) return { latestStoredAtMs: undefined, firstLater: undefined };
  const latestStoredAtMs = await stores.identity.storedAt(processor, sequence);
  // While it is there and the same, nothing below it can be new.
  if (latestStoredAtMs === storedAtMs) return { latestStoredAtMs, firstLater: undefined };
  const later = await stores.logs.firstSince(processor, storedAtMs + 1);
  return { latestStoredAtMs, firstLater: later?.sequence };
}

/** The first sequence of a command that came after the log was seen to reach commands that were not taken yet. */
async function firstUnseen({ processor, stores }: ProcessorEnvironment, known: KnownLog) {
  const { latest, end, endSeenAtMs } = known;
  if (endSeenAtMs === undefined || end <= latest.sequence) return undefined;
  return (await stores.logs.firstSince(processor, endSeenAtMs + clockToleranceMs))?.sequence;
}

/** What is known of a log that has lost the commands from this sequence on. */
async function knownAfter(
  environment: ProcessorEnvironment,
  { latest }: KnownLog,
  facts: LogFacts,
  from: number,
): Promise<KnownLog> {
  const { processor, stores } = environment;
  const before = from - 1;
  const known = { id: facts.id ?? null, ...endOf(environment, facts) };
  if (latest.sequence <= before) return { ...known, latest };
  const storedAtMs = (await stores.identity.storedAt(processor, before)) ?? latest.storedAtMs;
  return { ...known, latest: { sequence: before, storedAtMs } };
}

/** The end of a log that was looked at just now. */
function endOf({ clock }: ProcessorEnvironment, { last, nowMs }: LogFacts) {
  return { end: last, endSeenAtMs: nowMs ?? clock.storeMs() };
}

async function goOnAfterLoss(
  { checkpoint, instance, memory, log }: Context,
  lost: LostCommands,
  known: KnownLog,
  hasGoneBack: boolean,
): Promise<void> {
  const { from, through } = lost;
  const cause = hasGoneBack ? "NATS went back to an earlier state: " : "";
  const reason = {
    code: hasGoneBack ? ("store-went-back" as const) : ("log-lost" as const),
    detail: `${cause}the log lost the commands ${from} to ${through}, so a rebuild cannot give back what they did`,
  };
  const { current } = checkpoint;
  log.error({ from, through, applied: current.applied }, "the log has lost commands");
  // Its sequence may be given to another command.
  memory.latestAnswer = null;
  // This comes first: if NATS does not answer, the checkpoint in memory has the loss all the same.
  instance.doubt();
  await checkpoint.persist(afterLoss(current, lost, known, reason));
}

/** Tells why commands were lost, if it was found out only now. */
async function tellThatItWentBack({ checkpoint }: Context): Promise<void> {
  const { degradations } = checkpoint.current;
  const codes = degradations.map(({ code }) => code);
  if (!codes.includes("log-lost") || codes.includes("store-went-back")) return;
  const detail = "NATS went back to an earlier state";
  await checkpoint.persist({ degradations: degradedBy(degradations, "store-went-back", detail) });
}

/** Passes a command that was under way when an earlier worker ended, if the log has lost it since. */
async function passLostUnderWay(
  { processor, stores }: ProcessorEnvironment,
  { checkpoint, instance, log }: Context,
): Promise<void> {
  const { mark, ownObserve } = checkpoint.current;
  const sequence = mark?.at.sequence ?? ownObserve?.unseen?.sequence;
  if (sequence === undefined) return;
  if ((await stores.identity.storedAt(processor, sequence)) !== undefined) return;
  log.error({ sequence }, "a command was lost from the log while it was under way");
  instance.doubt();
  await checkpoint.persist(lostUnderWay(checkpoint.current, sequence));
}

/**
 * Has the numbers of a log that has lost commands go on above all that were used, so that no sequence ever
 * means two commands. It has to wait until everything that is in the log is applied. If NATS refuses it, the
 * log goes on with the numbers that it has.
 */
async function moveNumbers(environment: ProcessorEnvironment, { checkpoint, log }: Context): Promise<void> {
  const { processor, stores, lease } = environment;
  const { usedThrough, applied, step } = checkpoint.current;
  if (usedThrough === 0 || !lease.held) return;
  // What stands in the log may be needed by a rebuild, and would be removed.
  if (neededFrom(checkpoint.current) <= applied) return;
  let facts = await stores.identity.look(processor);
  if (facts.last < usedThrough) {
    if (applied < facts.last || step > 0) return;
    const next = Math.ceil((usedThrough + 1) / numbersStep) * numbersStep + 1;
    // The commands are removed, so whoever comes next has to know that they are applied.
    await checkpoint.flush();
    const moved = stores.identity.continueAt(processor, { last: facts.last, next });
    // An answer that is lost may belong to a purge that was carried out, so the log is looked at again.
    await moved.catch((err) => log.warn({ err }, "the numbers of the log cannot be moved on"));
    facts = await stores.identity.look(processor);
    if (facts.last < usedThrough) return;
    log.warn({ next }, "the log goes on with other numbers");
  }
  if (facts.messages > 0) return;
  // Everything that was in the log is applied, and the numbers up to `last` are given to nothing.
  await checkpoint.persist({
    usedThrough: 0,
    applied: facts.last,
    step: 0,
    replayFrom: { sequence: facts.last + 1, step: 0 },
    log: checkpoint.current.log && { ...checkpoint.current.log, ...endOf(environment, facts) },
  });
}

/**
 * Has a log that has no id get one before its first command is applied. So a log that was begun is told from a new one also
 * where the checkpoint is gone. Rejects if NATS does not answer.
 */
export async function nameNewLog(environment: ProcessorEnvironment, context: Context): Promise<void> {
  if (context.checkpoint.current.log?.id) return;
  await nameLog(environment, context, await environment.stores.identity.look(environment.processor));
}

/** Has the log and the checkpoint agree on the log's id. */
async function nameLog(
  { processor, stores }: ProcessorEnvironment,
  { checkpoint, log }: Context,
  facts: LogFacts,
): Promise<void> {
  const { current } = checkpoint;
  const known = current.log ?? unknownLog;
  if (known.id !== null && known.id === facts.id) return;
  // The log was made anew. With the former id here, nobody who finds it with its new one could tell that it is this log.
  if (known.id !== null) await checkpoint.persist({ log: { ...known, id: null } });
  try {
    const id = facts.id ?? (await stores.identity.name(processor, facts));
    // If this is not persisted, the next worker finds the log with an id that its checkpoint lacks, and takes it.
    checkpoint.update({ log: { ...known, id } });
  } catch (err) {
    // Without an id all checks but one can be made.
    log.warn({ err }, "the log cannot be given an id");
  }
}
