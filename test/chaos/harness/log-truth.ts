import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import { decodeRequest, encodeResponse } from "../../../libs/kato/codec.ts";
import {
  changeRecallThresholdMethod,
  decodeRecallThresholdChange,
} from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import { defaultManifest } from "../../../services/simulator/manifest.ts";
import { noJournal } from "../../../services/simulator/memory/journal.ts";
import { Knowledge } from "../../../services/simulator/memory/knowledge.ts";
import { Processor } from "../../../services/simulator/processor.ts";
import type { HandleCall } from "../../../services/simulator/rpc-handlers.ts";
import { createCallHandler } from "../../../services/simulator/rpc-handlers.ts";
import type { Step } from "../../../services/worker/model/step.ts";
import { stepsOf } from "../../../services/worker/model/step.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";

/** What a log leads to: its commands, applied by a simulator in this process that is never killed. */
export interface Played {
  instance: KatoClient;
  /** Every model that was learned. */
  models: string[];
  /** By sequence: the method, the interval after the command, and the unique_ids of its observations. */
  commands: Map<number, { method: string; interval: number; uniqueIds: string[] }>;
}

const nothing = () => {};

/**
 * The command log of one processor. The system is right if it did what stands in there, in this order, and
 * nothing else.
 */
export class LogTruth {
  readonly #connection: NatsConnection;
  readonly #logs: CommandLogs;
  readonly #processor: string;

  private constructor(connection: NatsConnection, logs: CommandLogs, processor: string) {
    this.#connection = connection;
    this.#logs = logs;
    this.#processor = processor;
  }

  /** `natsUrl` has the form of NATS_URL. */
  static async open(natsUrl: string, processor: string): Promise<LogTruth> {
    const servers = natsUrl.split(",");
    const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
    return new LogTruth(connection, logs, processor);
  }

  last(): Promise<number> {
    return this.#logs.last(this.#processor);
  }

  /** Applies the log from this sequence on. */
  async play(from: number): Promise<Played> {
    const manifest = { ...defaultManifest, id: this.#processor };
    const processor = new Processor(manifest, new Knowledge(noJournal, manifest.persistence), 0, nothing);
    const answer = createCallHandler(processor, nothing);
    const instance = new KatoClient(async (method, request) =>
      encodeResponse(method, await answer(method, decodeRequest(method, request))),
    );
    const played: Played = { instance, models: [], commands: new Map() };
    for await (const command of this.#logs.readRange(this.#processor, from, Number.MAX_SAFE_INTEGER)) {
      const uniqueIds: string[] = [];
      for (const step of stepsOf(command)) await playStep(answer, processor, step, played.models, uniqueIds);
      const { sequence, method } = command;
      played.commands.set(sequence, { method, interval: processor.interval, uniqueIds });
    }
    return played;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

async function playStep(
  answer: HandleCall,
  processor: Processor,
  { method, request }: Step,
  models: string[],
  uniqueIds: string[],
): Promise<void> {
  if (method === changeRecallThresholdMethod) {
    const { increment } = decodeRecallThresholdChange(request);
    const threshold = Math.round((processor.genes.number("recall_threshold") + increment) * 10) / 10;
    if (!(threshold > 0 && threshold <= 1)) return;
    // The wire has a float32.
    await answer("UpdateGenes", { genes: { recall_threshold: Math.fround(threshold) } });
    await answer("IncrementRecallThreshold", { value: 0 });
    return;
  }
  if (!isMethod(method)) return;
  const plain = decodeRequest(method, Buffer.from(request));
  const before = processor.events;
  const { message = "" } = await answer(method, plain);
  if (method === "Learn" && message.startsWith("MODEL|")) models.push(message);
  if (method !== "Observe" || !("unique_id" in plain)) return;
  uniqueIds.push(plain.unique_id ?? "");
  const learned = modelName([...before, processor.symbols]);
  if (processor.knowledge.models.has(learned.slice("MODEL|".length))) models.push(learned);
  const own = modelName(before);
  if (processor.knowledge.models.has(own.slice("MODEL|".length))) models.push(own);
}
