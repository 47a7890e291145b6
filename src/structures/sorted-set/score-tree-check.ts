/** The checker of trees ordered by score: walks one level by level. It knows no offset; layout and invariants are told in score-node.ts and score-tree.ts. */
import { assert } from '../../base/assert.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  childAt,
  childSize,
  INNER_BLOCK_BYTES,
  INNER_MAX,
  INNER_MIN,
  innerRef,
  isBefore,
  LEAF_BLOCK_BYTES,
  LEAF_MAX,
  LEAF_MIN,
  leafRef,
  nextLeaf,
  nodeCount,
  nodeLevel,
  nodeScore,
  prevLeaf,
} from './score-node.ts';
import { treeCount, treeHeight, treeRoot } from './score-tree.ts';

/** Bytes of the tree's nodes. Walks the leaves' parents. */
export function treeBytesUsed(shard: Shard, tree: number): number {
  const levels = collectLevels(shard, tree);
  const leafCount = levels.at(-1)!.length;
  const innerCount = levels.reduce((sum, nodes) => sum + nodes.length, -leafCount);
  return leafCount * LEAF_BLOCK_BYTES + innerCount * INNER_BLOCK_BYTES;
}

/** Every node, level by level, the root's first. */
function collectLevels(shard: Shard, tree: number): number[][] {
  const levels = [[treeRoot(shard, tree)]];
  for (let depth = 1; depth < treeHeight(shard, tree); depth++) {
    const below: number[] = [];
    for (const node of levels[depth - 1]!) {
      for (let index = 0; index < nodeCount(shard, node); index++) below.push(childAt(shard, node, index));
    }
    levels.push(below);
  }
  return levels;
}

/** Walks the tree and asserts every invariant; runs `visit` for every entry in order. Returns the number of entries. */
export function verifyTree(
  shard: Shard,
  tree: number,
  visit: (score: number, ref: number) => void = () => {},
): number {
  const levels = collectLevels(shard, tree).reverse();
  levels.forEach((nodes, level) => verifyLevel(shard, nodes, level, levels.length));
  const leaves = levels[0]!;
  let lastScore = 0;
  let lastRef = 0;
  leaves.forEach((leaf, order) => {
    assert(prevLeaf(shard, leaf) === (leaves[order - 1] ?? 0), 'score tree: leaf chain back');
    assert(nextLeaf(shard, leaf) === (leaves[order + 1] ?? 0), 'score tree: leaf chain');
    for (let index = 0; index < nodeCount(shard, leaf); index++) {
      const score = nodeScore(shard, leaf, index);
      const ref = leafRef(shard, leaf, index);
      assert(score === score, 'score tree: a score that is not a number');
      assert(lastRef === 0 || isBefore(shard, lastScore, lastRef, score, ref), 'score tree: order');
      visit(score, ref);
      lastScore = score;
      lastRef = ref;
    }
  });
  return verifySizes(shard, tree, levels);
}

/** Counts and levels of the nodes of one level, which stand in order. */
function verifyLevel(shard: Shard, nodes: readonly number[], level: number, height: number): void {
  const min = level === 0 ? LEAF_MIN : INNER_MIN;
  const max = level === 0 ? LEAF_MAX : INNER_MAX;
  nodes.forEach((node, order) => {
    const count = nodeCount(shard, node);
    const isAtEnd = order === 0 || order === nodes.length - 1;
    assert(nodeLevel(shard, node) === level, 'score tree: level');
    assert(count <= max, 'score tree: node too full');
    assert(count >= min || isAtEnd, 'score tree: node too empty');
    assert(count > 0 || height === 1, 'score tree: empty node');
  });
  assert(
    level < height - 1 || level === 0 || nodeCount(shard, nodes[0]!) > 1,
    'score tree: root of one child',
  );
}

/** Sizes and first entries that inner nodes keep of their children. `levels`: the leaves first. */
function verifySizes(shard: Shard, tree: number, levels: readonly (readonly number[])[]): number {
  const sizes = new Map<number, number>();
  const firstLeaves = new Map<number, number>();
  for (const leaf of levels[0]!) {
    sizes.set(leaf, nodeCount(shard, leaf));
    firstLeaves.set(leaf, leaf);
  }
  for (const node of levels.slice(1).flat()) {
    let size = 0;
    for (let index = 0; index < nodeCount(shard, node); index++) {
      const child = childAt(shard, node, index);
      const leaf = firstLeaves.get(child)!;
      assert(childSize(shard, node, index) === sizes.get(child), 'score tree: size');
      size += sizes.get(child)!;
      if (index === 0) firstLeaves.set(node, leaf);
      else {
        assert(innerRef(shard, node, index) === leafRef(shard, leaf, 0), 'score tree: first entry');
        assert(nodeScore(shard, node, index) === nodeScore(shard, leaf, 0), 'score tree: first score');
      }
    }
    sizes.set(node, size);
  }
  const count = treeCount(shard, tree);
  assert(sizes.get(levels.at(-1)![0]!) === count, 'score tree: count');
  return count;
}
