import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment, SettingsError } from "../../../libs/config/environment.ts";
import type { CrashPoint } from "../../../services/simulator/crash-points.ts";
import { countingFaults, parseFaults } from "../../../services/simulator/crash-points.ts";
import { simulatorSettings } from "../../../services/simulator/settings.ts";

test("without settings a simulator has KATO's defaults, listens on 127.0.0.1:1441 and keeps everything in memory", () => {
  const settings = simulatorSettings(new Environment({}));
  assert.equal(settings.host, "127.0.0.1");
  assert.equal(settings.port, 1441);
  assert.equal(settings.dataFolder, undefined);
  assert.equal(settings.delayMs, 0);
  assert.deepEqual(settings.faults, {});
  assert.deepEqual([settings.manifest.recall_threshold, settings.manifest.persistence], [0.1, 5]);
});

test("the values of a manifest replace the defaults, and keys that are not KATO's are ignored", () => {
  const MANIFEST = '{"id": "p2", "name": "P2", "max_sequence_length": 7, "indexer_type": "VI"}';
  const { manifest } = simulatorSettings(new Environment({ MANIFEST }));
  assert.deepEqual([manifest.id, manifest.name, manifest.max_sequence_length], ["p2", "P2", 7]);
  assert.equal(manifest.max_predictions, 100);
});

test("one message names every wrong setting", () => {
  const environment = new Environment({
    PORT: "high",
    MANIFEST: '{"id": 3, "classifier": "DVC"}',
    SIMULATOR_DELAY_MS: "-1",
    SIMULATOR_FAULT: "nowhere,learn-after-model:0,observe-after-tick:1:2",
  });
  assert.throws(
    () => simulatorSettings(environment),
    (error: unknown) => {
      assert.ok(error instanceof SettingsError);
      assert.match(error.message, /PORT must/);
      assert.match(error.message, /MANIFEST has a id that is no string/);
      assert.match(error.message, /MANIFEST has a classifier/);
      assert.match(error.message, /SIMULATOR_DELAY_MS must/);
      assert.match(error.message, /SIMULATOR_FAULT names no place of .*: "nowhere"/);
      assert.match(error.message, /SIMULATOR_FAULT has no count from 1: "learn-after-model:0"/);
      assert.match(error.message, /SIMULATOR_FAULT has no count from 1: "observe-after-tick:1:2"/);
      return true;
    },
  );
});

test("a manifest that is not a JSON object is a wrong setting", () => {
  for (const MANIFEST of ["{", "[]", "3", "null", '{"id": ""}']) {
    assert.throws(() => simulatorSettings(new Environment({ MANIFEST })), /MANIFEST/);
  }
});

test("a fault strikes once, when its place is reached for the given time", () => {
  const faults = parseFaults(["learn-after-model:2", "clear-before-answer"], assert.fail);
  assert.deepEqual(faults, { "learn-after-model": 2, "clear-before-answer": 1 });
  const deaths: CrashPoint[] = [];
  let place: CrashPoint = "learn-after-model";
  const reach = countingFaults(faults, () => deaths.push(place));
  const walk: CrashPoint[] = [
    "learn-after-model",
    "learn-after-clear",
    "learn-after-model",
    "learn-after-model",
  ];
  for (place of walk) reach(place);
  assert.deepEqual(deaths, ["learn-after-model"]);
  place = "clear-before-answer";
  reach(place);
  assert.deepEqual(deaths, ["learn-after-model", "clear-before-answer"]);
});
