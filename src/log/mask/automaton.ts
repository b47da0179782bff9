/**
 * Aho and Corasick's automaton over bytes, with a table in front of it that tells from two bytes how far nothing can
 * begin (Wu and Manber). Nodes are numbers, 0 is the root. Nearly all have one child, so there is no table of 256 for
 * each: a node takes 19 bytes. Never changed once it is built.
 */
export interface Needle {
  readonly bytes: Uint8Array;
  /** What the one who looks for it makes of it. */
  readonly label: number;
}

export interface Automaton {
  /** Where a byte leads to from the root. */
  readonly first: Int32Array;
  /** The byte of a node's only child, and that child; of several, the one that was there first. */
  readonly childByte: Uint8Array;
  readonly child: Int32Array;
  /** Further children, by node * 256 + byte. */
  readonly branches: ReadonlyMap<number, number>;
  /** 1 where a node has further children. */
  readonly hasBranches: Uint8Array;
  /** The node of the longest end of this one that some needle begins with. */
  readonly fallback: Int32Array;
  /** Length of the longest needle that ends here, 0 if none does; and its label. */
  readonly matchBytes: Int32Array;
  readonly matchLabel: Int32Array;
  /** Length of the longest end of this node that some longer needle goes on from. */
  readonly openBytes: Int32Array;
  /** By the last two bytes of a window of `windowBytes`: how far it can be moved without passing over a needle. */
  readonly shift: Uint8Array;
  readonly windowBytes: number;
}

const MAX_WINDOW_BYTES = 64;

/** @param needles None of them shorter than 2 bytes; of equal ones the first counts. */
export function buildAutomaton(needles: readonly Needle[]): Automaton {
  const capacity = 1 + needles.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const branches = new Map<number, number>();
  const automaton = {
    first: new Int32Array(256),
    childByte: new Uint8Array(capacity),
    child: new Int32Array(capacity),
    branches,
    hasBranches: new Uint8Array(capacity),
    fallback: new Int32Array(capacity),
    matchBytes: new Int32Array(capacity),
    matchLabel: new Int32Array(capacity),
    openBytes: new Int32Array(capacity),
    ...buildShifts(needles),
  };
  const parents = new Int32Array(capacity);
  const bytesOf = new Uint8Array(capacity);
  const depths = new Int32Array(capacity);
  let count = 1;

  const add = (parent: number, byte: number): number => {
    const node = count++;
    if (parent === 0) automaton.first[byte] = node;
    else if (automaton.child[parent] === 0) {
      automaton.child[parent] = node;
      automaton.childByte[parent] = byte;
    } else {
      branches.set(parent * 256 + byte, node);
      automaton.hasBranches[parent] = 1;
    }
    parents[node] = parent;
    bytesOf[node] = byte;
    depths[node] = at(depths, parent) + 1;
    return node;
  };

  for (const { bytes, label } of needles) {
    let node = 0;
    for (const byte of bytes) node = childOf(automaton, node, byte) || add(node, byte);
    if (automaton.matchBytes[node] !== 0) continue;
    automaton.matchBytes[node] = bytes.length;
    automaton.matchLabel[node] = label;
  }
  for (const node of byDepth(depths, count)) {
    const parent = at(parents, node);
    const fallback = parent === 0 ? 0 : step(automaton, at(automaton.fallback, parent), at(bytesOf, node));
    automaton.fallback[node] = fallback;
    automaton.openBytes[node] = automaton.child[node] === 0 ? at(automaton.openBytes, fallback) : at(depths, node);
    if (automaton.matchBytes[node] !== 0) continue;
    automaton.matchBytes[node] = at(automaton.matchBytes, fallback);
    automaton.matchLabel[node] = at(automaton.matchLabel, fallback);
  }
  return automaton;
}

/** The node after one more byte. Amortised constant. */
export function step(automaton: Automaton, from: number, byte: number): number {
  for (let node = from; node !== 0; node = at(automaton.fallback, node)) {
    const next = childOf(automaton, node, byte);
    if (next !== 0) return next;
  }
  return at(automaton.first, byte);
}

function childOf(automaton: Automaton, node: number, byte: number): number {
  if (node === 0) return at(automaton.first, byte);
  if (automaton.child[node] !== 0 && automaton.childByte[node] === byte) return at(automaton.child, node);
  return automaton.hasBranches[node] === 1 ? (automaton.branches.get(node * 256 + byte) ?? 0) : 0;
}

/** All nodes but the root, those nearer to it first. */
function byDepth(depths: Int32Array, count: number): Int32Array {
  const places = new Int32Array(depths.subarray(0, count).reduce((most, depth) => Math.max(most, depth), 0) + 1);
  for (let node = 1; node < count; node++) {
    const depth = at(depths, node);
    if (depth + 1 < places.length) places[depth + 1] = at(places, depth + 1) + 1;
  }
  for (let depth = 1; depth < places.length; depth++) places[depth] = at(places, depth) + at(places, depth - 1);
  const nodes = new Int32Array(count - 1);
  for (let node = 1; node < count; node++) {
    const depth = at(depths, node);
    const place = at(places, depth);
    nodes[place] = node;
    places[depth] = place + 1;
  }
  return nodes;
}

function buildShifts(needles: readonly Needle[]): { shift: Uint8Array; windowBytes: number } {
  const shortest = needles.reduce((least, { bytes }) => Math.min(least, bytes.length), MAX_WINDOW_BYTES);
  const shift = new Uint8Array(65_536).fill(shortest - 1);
  for (const { bytes } of needles) {
    for (let end = 2; end <= shortest; end++) {
      const pair = at(bytes, end - 2) * 256 + at(bytes, end - 1);
      shift[pair] = Math.min(at(shift, pair), shortest - end);
    }
  }
  return { shift, windowBytes: shortest };
}

function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] as number;
}
