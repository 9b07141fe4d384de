import type { Argument, Command } from "commander";
import type { ConnectionFlags } from "./connection/connect.ts";
import { clientOf, connectionOf } from "./connection/connect.ts";
import { Contexts } from "./connection/contexts.ts";
import { programFor } from "./program.ts";
import type { Io } from "./terminal/io.ts";

/** A shell waits for this, at a key. */
const limitMs = 1_500;

/** Prints the words that may stand in the place of the last one, one a line. */
export async function complete(words: readonly string[], io: Io): Promise<void> {
  const typed = words.at(-1) ?? "";
  const found = await candidates(words.slice(0, -1), typed, io).catch(() => []);
  for (const word of new Set(found)) if (word.startsWith(typed)) io.out.write(`${word}\n`);
}

async function candidates(before: readonly string[], typed: string, io: Io): Promise<string[]> {
  let command = await programFor("*", io);
  const flags: Record<string, string> = {};
  const given: string[] = [];
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? "";
    const option = word.startsWith("-") ? optionOf(command, word) : undefined;
    if (option?.required) {
      const value = before[++at];
      if (value === undefined) return valuesOf(option, io);
      flags[option.attributeName()] = value;
      continue;
    }
    if (word.startsWith("-")) continue;
    const next = given.length === 0 ? command.commands.find((each) => each.name() === word) : undefined;
    if (next) command = next;
    else given.push(word);
  }
  if (typed.startsWith("-")) return optionsOf(command).flatMap(({ long }) => long ?? []);
  const commands = given.length === 0 ? command.commands.map((each) => each.name()) : [];
  const { registeredArguments: all } = command;
  const argument = all[Math.min(given.length, all.length - 1)];
  const isTaken = argument !== undefined && given.length >= all.length && !argument.variadic;
  return [...commands, ...(argument && !isTaken ? await wordsFor(argument, command, flags, io) : [])];
}

async function wordsFor(
  argument: Argument,
  command: Command,
  flags: ConnectionFlags,
  io: Io,
): Promise<string[]> {
  if (argument.argChoices) return [...argument.argChoices];
  if (command.parent?.name() === "context" && argument.name() === "name") return contextNames(io);
  return /^processors?$/.test(argument.name()) ? processorIds(flags, io) : [];
}

async function processorIds(flags: ConnectionFlags, io: Io): Promise<string[]> {
  const client = clientOf(connectionOf(io, flags));
  const { processors } = await client.processors.list({ signal: AbortSignal.timeout(limitMs) });
  return processors.map(({ id }) => id);
}

function contextNames(io: Io): string[] {
  return new Contexts(io).all.map(([name]) => name);
}

function valuesOf({ long, argChoices }: OptionLike, io: Io): string[] {
  return long === "--context" ? contextNames(io) : [...(argChoices ?? [])];
}

type OptionLike = Command["options"][number];

/** Its own options, and those of every command. */
function optionsOf(command: Command): OptionLike[] {
  return [...command.options, ...(command.parent ? optionsOf(command.parent) : [])];
}

function optionOf(command: Command, word: string): OptionLike | undefined {
  return optionsOf(command).find(({ long, short }) => long === word || short === word);
}
