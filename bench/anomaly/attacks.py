#!/usr/bin/env python3
"""How well the forest ranks labelled attacks that no client profile was made of:
    attacks.py build/release/bench/forest_scores FOLDER
FOLDER holds api_access_behaviour, nslkdd_train20 and windows5_* (.csv.gz). Each is fitted and scored whole, without
labels; means of five seeds. Prints a table in Markdown."""
import csv
import gzip
import pathlib
import statistics
import subprocess
import sys
import tempfile

SEEDS = range(1, 6)
ATTACK = {  # column, and what it says of no attack
    "api_access_behaviour": ("classification", "normal"),
    "nslkdd_train20": ("attack", "normal"),
    "windows5_semicomplete_plus_w3af_acunetix": ("attack", "0"),
}
NO_FEATURES = {"", "_id", "client", "declared_bot", "difficulty", "window_min"}


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def table(path, label, normal):
    """Rows of numbers, the label last."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    columns = [n for n in names if n not in NO_FEATURES | {label} and all(is_number(row[n] or "0") for row in rows)]
    return columns, [[row[n] or "0" for n in columns] + [str(int(row[label] != normal))] for row in rows]


def scores(program, columns, rows, options):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(",".join(columns + ["label"]) + "\n" + "".join(",".join(row) + "\n" for row in rows))
        file.flush()
        out = subprocess.run([program, file.name, *options], check=True, capture_output=True, text=True).stdout
    return [float(line) for line in out.split()]


def auroc(scored):
    """By ranks; ties count half."""
    ordered = sorted(scored)
    rank_sum, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        rank_sum += sum(attack for _, attack in ordered[at:end]) * (at + 1 + end) / 2
        at = end
    attacks = sum(attack for _, attack in ordered)
    return (rank_sum - attacks * (attacks + 1) / 2) / (attacks * (len(ordered) - attacks))


def judged(scored, alarms):
    """Precision and recall of the `alarms` oddest."""
    hits = sum(attack for _, attack in sorted(scored, reverse=True)[:alarms])
    return hits / alarms, hits / sum(attack for _, attack in scored)


def main(program, folder):
    print("| set | rows | attacks | setting | AUROC | precision, recall of the oddest 1 % | "
          "of as many as there are attacks |\n| --- | --: | --: | --- | --: | --: | --: |")
    for name, (label, normal) in ATTACK.items():
        columns, rows = table(pathlib.Path(folder) / (name + ".csv.gz"), label, normal)
        attacks = sum(row[-1] == "1" for row in rows)
        for setting, option in (("plain", ["--plain"]), ("best", [])):
            runs = []
            for seed in SEEDS:
                given = scores(program, columns, rows, ["--seed", str(seed), *option])
                scored = list(zip(given, (int(row[-1]) for row in rows)))
                one = judged(scored, max(len(rows) // 100, 1))
                runs.append((auroc(scored), *one, judged(scored, attacks)[0]))
            mean = [statistics.mean(column) for column in zip(*runs)]
            print(f"| {name} | {len(rows)} | {attacks / len(rows):.0%} | {setting} | {mean[0]:.3f} | "
                  f"{mean[1]:.2f}, {mean[2]:.3f} | {mean[3]:.2f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
