/** The genes that can be set while KATO runs, each explained in a line. */
export const genes: Record<string, string> = {
  recall_threshold: "How similar a model has to be to be predicted, from 0 to 1.",
  max_sequence_length: "After so many events KATO learns by itself; 0 for never.",
  persistence: "How many values of an emotive a model keeps.",
  smoothness: "How much the emotives of events in a row are smoothed.",
  always_update_frequencies: "Whether each Learn counts, also of a model that is known (1) or not (0).",
};
