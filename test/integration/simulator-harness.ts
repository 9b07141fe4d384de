import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { CallOptions, ServiceError } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import { decodeResponse, encodeRequest, pathOf } from "../../libs/kato/codec.ts";
import type { Json, JsonObject } from "../../libs/kato/json.ts";
import type { KatoResponse, Observation, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";
import type { OnCrashPoint } from "../../services/simulator/crash-points.ts";
import type { SimulatorOptions } from "../../services/simulator/server.ts";
import { startSimulator } from "../../services/simulator/server.ts";

/** A client of one simulator, for tests. */
export class Kato {
  readonly endpoint: string;
  readonly #client: Client;
  #observations = 0;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.#client = new Client(endpoint, credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
  }

  /** The response, whatever its status; rejects with a ServiceError. */
  async call<M extends Method>(
    method: M,
    request: RequestOf<M>,
    options?: CallOptions,
  ): Promise<KatoResponse> {
    return decodeResponse(method, await this.raw(method, encodeRequest(method, request), options));
  }

  raw(method: Method, bytes: Buffer, options: CallOptions = {}): Promise<Buffer> {
    const same = (buffer: Buffer) => buffer;
    return new Promise((resolve, reject) => {
      const finish = (error: ServiceError | null, response?: Buffer) => {
        if (error) reject(error);
        else resolve(response ?? Buffer.alloc(0));
      };
      this.#client.makeUnaryRequest(pathOf(method), same, same, bytes, options, finish);
    });
  }

  /** An Observe under a unique_id of its own. */
  observe(observation: Observation = {}, options?: CallOptions): Promise<KatoResponse> {
    this.#observations++;
    return this.call("Observe", { unique_id: `observation-${this.#observations}`, ...observation }, options);
  }

  /** One Observe for each event. */
  async observeAll(...events: string[][]): Promise<void> {
    for (const strings of events) await this.observe({ strings });
  }

  /** Observes the events and learns them; the model's name. */
  async learn(...events: string[][]): Promise<string> {
    await this.observeAll(...events);
    return (await this.call("Learn", {})).message ?? "";
  }

  async workingMemory(): Promise<string[][]> {
    return JSON.parse((await this.call("GetWorkingMemory", {})).message ?? "");
  }

  async interval(): Promise<number> {
    return (await this.call("Ping", {})).interval;
  }

  /** `response.data` of a query. */
  async data<M extends Method>(method: M, request: RequestOf<M>): Promise<Json | undefined> {
    const { response } = await this.call(method, request);
    return (response as JsonObject | undefined)?.data;
  }

  async predictions(): Promise<JsonObject[]> {
    return (await this.data("GetAllPredictions", {})) as JsonObject[];
  }

  async status(): Promise<JsonObject> {
    return (await this.call("ShowStatus", {})).response as JsonObject;
  }

  async model(name: string): Promise<JsonObject> {
    return (await this.data("GetModel", { name })) as JsonObject;
  }

  close(): void {
    this.#client.close();
  }
}

/** The last line of the traceback that the call fails with. */
export async function failed(kato: Kato, method: Method, request: object = {}): Promise<string> {
  const response = await kato.call(method, request as never);
  assert.equal(response.status, "FAILED");
  assert.match(response.message ?? "", /^Traceback \(most recent call last\):\n {2}File/);
  return response.message?.trimEnd().split("\n").at(-1) ?? "";
}

/** A simulator in this process, gone with the test. */
export async function inProcess(
  t: TestContext,
  options: SimulatorOptions = {},
  reach?: OnCrashPoint,
): Promise<Kato> {
  const simulator = await startSimulator(options, reach);
  const kato = new Kato(simulator.endpoint);
  t.after(async () => {
    kato.close();
    await simulator.stop();
  });
  return kato;
}

/** A simulator as a process of its own. */
export interface SimulatorProcess {
  readonly process: ChildProcess;
  readonly kato: Kato;
  /** Its exit code, or the signal it died of. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** A new folder, gone with the test. */
export function dataFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "simulator-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Starts a simulator with these variables on a free port and waits for its first line; gone with the test. */
export async function spawnSimulator(
  t: TestContext,
  variables: Record<string, string> = {},
): Promise<SimulatorProcess> {
  const child = runSimulator({ PORT: "0", ...variables });
  const ended = once(child, "exit").then(([code, signal]) => code ?? signal);
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  const { endpoint } = JSON.parse(await firstLine(child));
  const kato = new Kato(endpoint);
  t.after(async () => {
    kato.close();
    await kill("SIGKILL");
  });
  return { process: child, kato, ended, kill };
}

/** The simulator's program with these variables, its output in pipes. */
export function runSimulator(variables: Record<string, string>): ChildProcess {
  const main = fileURLToPath(new URL("../../services/simulator/main.ts", import.meta.url));
  return spawn(process.execPath, [main], { env: variables, stdio: ["ignore", "pipe", "pipe"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout || !child.stderr) throw new Error("the simulator has no output");
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return line;
  }
  throw new Error(`the simulator said nothing but: ${errors.join("")}`);
}
