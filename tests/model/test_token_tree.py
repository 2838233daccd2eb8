"""Texts that begin alike as one tree: every text is a path, and what is shared is there once."""

import torch

from cope_demo.model.token_tree import count_nodes, grow_tree

TEXTS = [[5, 6, 7], [5, 6, 8, 9], [5, 6, 7, 7], [4], [5, 6, 8, 9]]


def test_every_text_is_the_path_of_its_tokens():
    tree = grow_tree(TEXTS, torch.device("cpu"), torch.float32)
    assert len(tree.ids) == count_nodes(TEXTS) == 7
    for text, path in zip(TEXTS, tree.paths, strict=True):
        nodes = path[: len(text)]
        assert tree.ids[nodes].tolist() == text and tree.positions[nodes].tolist() == list(range(len(text)))


def test_every_node_is_some_texts_own_and_sees_what_stands_before_it():
    tree = grow_tree(TEXTS, torch.device("cpu"), torch.float32)
    assert tree.own.flatten()[tree.found].tolist() == list(range(7))
    seen = (tree.mask[:, 0] == 0).flatten(0, 1)[tree.found]
    for node, row in enumerate(seen):
        owner = int(tree.found[node]) // tree.own.shape[1]
        path = tree.paths[owner][row].tolist()
        assert path[-1] == node and tree.positions[path].tolist() == list(range(int(tree.positions[node]) + 1))
