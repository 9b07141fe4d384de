import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A file of the console as it is served. The page itself has the name "". */
export interface Asset {
  name: string;
  type: string;
  body: Uint8Array;
  gzip: Uint8Array;
  etag: string;
}

export type Assets = ReadonlyMap<string, Asset>;

let prepared: Promise<Assets> | undefined;

/** All files of the console. They are made when this is first called, and again if that failed. */
export function consoleAssets(): Promise<Assets> {
  prepared ??= prepare().catch((error: unknown) => {
    prepared = undefined;
    throw error;
  });
  return prepared;
}

async function prepare(): Promise<Assets> {
  const worker = new Worker(new URL("./prepare-assets.ts", import.meta.url), {
    // That stripping types is new is known, and no news for the gateway's log.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [assets] = (await once(worker, "message")) as [Asset[]];
  return new Map(assets.map((asset) => [asset.name, asset]));
}
