/**
 * How many bits the code of each byte has, in base 36 (RFC 7541, Appendix B). The code is canonical: shorter codes
 * come first, and codes of one length are in the order of their bytes.
 */
const codeLengths =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq";
const longestCode = 30;

/** The tree of the codes: two entries a node, for a 0 and a 1. An entry is a node above 0, or a byte below it. */
const tree = treeOf([...codeLengths].map((digit) => Number.parseInt(digit, 36)));

function treeOf(lengths: readonly number[]): Int16Array {
  const nodes = new Int16Array(2 * lengths.length + 2 * longestCode);
  let used = 1;
  let code = 0;
  for (let length = 1; length <= longestCode; length++, code *= 2) {
    for (const [byte, ofByte] of lengths.entries()) {
      if (ofByte !== length) continue;
      let node = 0;
      for (let bit = length - 1; bit > 0; bit--) {
        const entry = 2 * node + ((code >>> bit) & 1);
        if (nodes[entry] === 0) nodes[entry] = used++;
        node = nodes[entry] ?? 0;
      }
      nodes[2 * node + (code & 1)] = -1 - byte;
      code++;
    }
  }
  return nodes;
}

/** The text in a Huffman code of HPACK. Throws a RangeError for what is none. */
export function readHuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let node = 0;
  let bits = 0;
  let isPadding = true;
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >>> shift) & 1;
      const next = tree[2 * node + bit] ?? 0;
      if (next === 0) throw new RangeError("no Huffman code");
      bits++;
      isPadding &&= bit === 1;
      node = Math.max(next, 0);
      if (next > 0) continue;
      text.push(-1 - next);
      bits = 0;
      isPadding = true;
    }
  }
  // The last byte is filled up with ones, which begin no code that is that short.
  if (bits > 7 || !isPadding) throw new RangeError("a Huffman code breaks off");
  return Buffer.from(text).toString("latin1");
}
