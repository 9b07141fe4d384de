// Values that examples of several operations have in common, so that they tell one story.

export const exampleProcessor = "p46b6b076c";
export const exampleCommand = "GTY7Q2ZK1M4S8N3V5B6C9D";
export const exampleModel = "MODEL|d46a83e73f6feaef6974e00323808137c244cc9c";
export const exampleUniqueId = "NB4E2T9Q7JX0W5ZC1R8KAM";
export const exampleUnixSeconds = 1795411800.25;
export const exampleTime = "2026-11-23T12:30:00.250Z";

export const examplePrediction = {
  type: "prototypical",
  name: exampleModel,
  frequency: 1,
  emotives: {},
  matches: ["c", "d"],
  past: [["a", "b"]],
  present: [["c"], ["d", "e"]],
  future: [["f"]],
  missing: ["e"],
  extras: ["q"],
  similarity: 0.4444444444444444,
  evidence: 0.3333333333333333,
  confidence: 0.6666666666666666,
  snr: 0.6,
  fragmentation: 0,
  itfdf_similarity: 0.816496580928,
  entropy: 1.292481250361,
  hamiltonian: 0.613147192765,
  grand_hamiltonian: 0.5,
  confluence: 0.99537037037,
  potential: 2.416496580928,
};
