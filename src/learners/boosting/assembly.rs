//! A tree from the nodes it grew of.

use super::frontier::Node;
use super::split::Rule;
use super::tree::{Child, Split, Test, Tree};

/// The tree of the nodes and the rows of each leaf, in the order the tree left them in.
pub(super) fn assemble(nodes: &[Node], learning_rate: f64) -> (Tree, Vec<std::ops::Range<usize>>) {
    let (mut tree, mut ranges) = (Tree::default(), vec![]);
    // Nodes to come, with the split each is below and the side.
    let mut next = vec![(0, None::<(usize, bool)>)];
    while let Some((at, above)) = next.pop() {
        let node = &nodes[at];
        let parts = node.found.zip(node.children).filter(|_| node.is_split);
        let child = match parts {
            Some((found, [left, right])) => {
                let split = tree.splits.len();
                next.push((right, Some((split, false))));
                next.push((left, Some((split, true))));
                let test = match found.rule {
                    Rule::AtMost { bin, null_left } => Test::AtMost { bin, null_left },
                    Rule::In(set) => {
                        tree.sets.push(set);
                        Test::In((tree.sets.len() - 1) as u16)
                    }
                };
                let none = Child::Leaf(0);
                let gain = found.gain as f32;
                tree.splits.push(Split { feature: found.feature, test, left: none, right: none, gain });
                Child::Split(split as u16)
            }
            None => {
                tree.leaves.push((node.value * learning_rate) as f32);
                ranges.push(node.start..node.end);
                Child::Leaf((tree.leaves.len() - 1) as u16)
            }
        };
        match above {
            Some((split, true)) => tree.splits[split].left = child,
            Some((split, false)) => tree.splits[split].right = child,
            None => {}
        }
    }
    (tree, ranges)
}
