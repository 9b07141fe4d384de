import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../unit/worker/crash-schedules/random.ts";
import type { ChaosSystem } from "./chaos-system.ts";

interface Victim {
  name: string;
  kill(signal: NodeJS.Signals): Promise<void>;
  restart(): Promise<void>;
}

/** Kills, freezes and restarts the processes of a system, one after the other. */
export class Nemesis {
  /** What it has done, in words. */
  readonly deeds: string[] = [];
  readonly #victims: Victim[];
  readonly #random: Random;

  constructor({ simulator, workers, gateway, nats }: ChaosSystem, random: Random) {
    const named = (name: string, service: Omit<Victim, "name">): Victim => ({
      name,
      kill: (signal) => service.kill(signal),
      restart: () => service.restart(),
    });
    this.#random = random;
    this.#victims = [
      named("instance", simulator),
      named("instance", simulator),
      ...workers.map((worker, index) => named(`worker ${index + 1}`, worker)),
      named("gateway", gateway),
      named("nats-server", nats),
    ];
  }

  /** Does one deed. Resolves once everything runs again. */
  async strike(): Promise<void> {
    const victim = this.#victims[this.#random.integer(this.#victims.length)];
    if (!victim) return;
    const { name } = victim;
    if (this.#random.chance(0.4)) {
      const ms = 50 + this.#random.integer(1_800);
      this.deeds.push(`froze ${name} for ${ms} ms`);
      await victim.kill("SIGSTOP");
      await sleep(ms);
      await victim.kill("SIGCONT");
    } else {
      const ms = this.#random.integer(500);
      this.deeds.push(`killed ${name}, away for ${ms} ms`);
      await victim.kill("SIGKILL");
      await sleep(ms);
      await victim.restart();
    }
  }
}
