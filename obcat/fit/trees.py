"""Boosted regression trees: LightGBM trains them, plain arrays hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["empty", "train"]

Arrays = dict[str, np.ndarray]

TYPES = {
    "feature": np.int32,
    "threshold": float,
    "left": np.int32,
    "right": np.int32,
    "value": float,
}


def train(score: np.ndarray, label: np.ndarray, parameters: Any) -> Arrays:
    """Trees for ``kernels.labels.boosted`` from scores (n, k) and labels (n,): one thread, same
    inputs, same bytes.

    ``parameters``: label_trees, label_leaves, label_learning_rate, label_min_leaf (stars in a
    leaf), label_seed. ImportError where LightGBM, or the OpenMP runtime that it loads, is missing.
    """
    try:
        import lightgbm
    except OSError as error:  # what ctypes says of a shared library
        raise ImportError(str(error)) from error
    options = {
        "objective": "regression",
        "num_leaves": parameters.label_leaves,
        "learning_rate": parameters.label_learning_rate,
        "min_data_in_leaf": parameters.label_min_leaf,
        "seed": parameters.label_seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(score.astype(float), label)
    booster = lightgbm.train(options, data, num_boost_round=parameters.label_trees)
    return _stacked([_tree(node["tree_structure"]) for node in booster.dump_model()["tree_info"]])


def empty() -> Arrays:
    """No trees: the kernel answers NaN."""
    return {name: np.empty((0, 0), dtype) for name, dtype in TYPES.items()}


def _tree(root: dict[str, Any]) -> list[tuple[int, float, int, int, float]]:
    """The nodes of a tree, root first: (feature, threshold, left, right, value)."""
    nodes = [root]
    rows = []
    for place, node in enumerate(nodes):
        if "split_feature" in node:
            children = len(nodes), len(nodes) + 1
            nodes += [node["left_child"], node["right_child"]]
            rows.append((node["split_feature"], node["threshold"], *children, 0.0))
        else:
            rows.append((0, np.inf, place, place, node["leaf_value"]))
    return rows


def _stacked(trees: list[list[tuple]]) -> Arrays:
    """(trees, nodes) arrays; shorter trees are filled up with nodes that nobody reaches."""
    width = max(len(tree) for tree in trees)
    filled = [tree + [(0, np.inf, 0, 0, 0.0)] * (width - len(tree)) for tree in trees]
    columns = zip(*(zip(*tree, strict=True) for tree in filled), strict=True)
    return {
        name: np.array(rows, dtype)
        for (name, dtype), rows in zip(TYPES.items(), columns, strict=True)
    }
