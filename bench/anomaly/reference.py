"""scikit-learn's IsolationForest with its defaults, as the reference of anomaly_bench.

  reference.py accuracy SEEDS FILE...   a line per file: NAME AUROC AVERAGE_PRECISION, means over seeds
  reference.py speed FILE               one line: FIT_MS ROW_US (in batches) ROW_ALONE_US, medians
"""
import os
import sys
import time

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score


def read(path):
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    return table[:, :-1].copy(), table[:, -1] == 1


def accuracy(seeds, paths):
    for path in paths:
        rows, outlier = read(path)
        aurocs, precisions = [], []
        for seed in range(1, seeds + 1):
            scores = -IsolationForest(random_state=seed).fit(rows).score_samples(rows)
            aurocs.append(roc_auc_score(outlier, scores))
            precisions.append(average_precision_score(outlier, scores))
        name = os.path.basename(path).split(".")[0]
        print(name, np.mean(aurocs), np.mean(precisions), flush=True)


def median_seconds(times, action):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def speed(path):
    rows, _ = read(path)
    forest = IsolationForest(random_state=1, n_jobs=1)
    fit = median_seconds(5, lambda: forest.fit(rows))
    batch = rows[:20000]
    in_batch = median_seconds(5, lambda: forest.score_samples(batch)) / len(batch)
    alone = median_seconds(20, lambda: forest.score_samples(rows[:1]))
    print(1e3 * fit, 1e6 * in_batch, 1e6 * alone)


if __name__ == "__main__":
    if sys.argv[1] == "accuracy":
        accuracy(int(sys.argv[2]), sys.argv[3:])
    else:
        speed(sys.argv[2])
