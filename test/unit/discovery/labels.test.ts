import assert from "node:assert/strict";
import test from "node:test";
import { selectEntries } from "../../../services/discovery/select-entries.ts";
import { unknownLabelsOf } from "../../../services/discovery/sources/source.ts";

test("a label that looks like ours and is not is told, with the one that was meant", () => {
  const names = [
    "kato.processor.id",
    "kato.processor.port",
    "kato.grpc.port",
    "kato.x",
    "com.docker.compose.x",
  ];
  const unknownLabels = unknownLabelsOf(names);
  assert.deepEqual(unknownLabels, ["kato.processor.port", "kato.x"]);
  const instance = {
    where: "container one",
    id: "p1",
    name: "p1",
    endpoint: "10.0.0.2:1441",
    createdAtMs: 0,
  };
  const { entries, problems } = selectEntries([{ ...instance, unknownLabels }], "docker");
  assert.equal(entries.length, 1, "the instance is registered all the same");
  assert.deepEqual(
    [...problems],
    [
      ["container one, label kato.processor.port", "is not known; the port is kato.grpc.port"],
      [
        "container one, label kato.x",
        "is not known; known are kato.processor.id, kato.processor.name, kato.grpc.port",
      ],
    ],
  );
});
