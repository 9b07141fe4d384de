import { after, before, describe } from "node:test";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { autoLearning } from "./auto-learn.ts";
import { genes } from "./genes.ts";
import { modelsAndVectors } from "./models-and-vectors.ts";
import { observing } from "./observe.ts";
import { predicting } from "./predictions.ts";
import { processorData } from "./processor.ts";

// What the routes of one processor answer. Each subject has a file of its own, and all share one system. A subject
// alone: npm test -- --test-name-pattern=genes test/end-to-end/api/answers.test.ts
let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: [{ id: "p46b6b076c", name: "P1" }, { id: "p1" }, { id: "learning", max_sequence_length: 2 }],
    gatewayEnv: { LOG_LEVEL: "silent" },
  });
});
after(() => system?.stop());

const subjects = {
  observing,
  predicting,
  "models and vectors": modelsAndVectors,
  genes,
  "a processor's data and modes": processorData,
  "auto-learning": autoLearning,
};
for (const [name, tests] of Object.entries(subjects)) describe(name, () => tests(() => system));
