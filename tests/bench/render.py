#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables from the samples of bench.sh: medians, spread, ratios, prices.

    render.py text FILE...              for a terminal
    render.py markdown FILE...          for a page
    render.py into PAGE FILE...         the same, between PAGE's two marks
"""
import json
import statistics
import sys

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
STEPS = ["seed", "unchanged", "1% clustered", "1% scattered", "restore", "verify"]
LIMITS = ["zstd", "zstd, curl", "sha256sum"]  # whose work is the least that a step needs
HEADS = ["step", "who", "wall s", "CPU s", "vs peer: wall", "CPU", "vs limit: wall", "CPU",
         "peak MiB", "stored MiB", "objects", "PUT+LIST / GET+HEAD", "USD"]


def load(paths):
    documents = [json.load(open(p, encoding="utf-8")) for p in paths]
    for d in documents:
        if d.get("schema") != "godwit.bench/1":
            sys.exit("not a godwit.bench/1 document")
    return documents


def groups(samples):
    """(data, store) -> step -> who -> samples, in the order they came."""
    out = {}
    for s in samples:
        out.setdefault((s["data"], s["store"]), {}).setdefault(s["step"], {}).setdefault(
            s["who"], []).append(s)
    return out


def median(samples, key):
    return statistics.median(s[key] for s in samples)


def spread(samples, key):
    """Half the range as a share of the median."""
    values = [s[key] for s in samples]
    m = statistics.median(values)
    return (max(values) - min(values)) / 2 / m if m else 0


def number(v):
    if v >= 100:
        return f"{v:.0f}"
    return f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def with_spread(samples, key):
    text = number(median(samples, key))
    return text + f" ±{spread(samples, key):.0%}" if len(samples) > 1 else text


def best(step, key):
    peers = [median(v, key) for v in step.values() if v[0]["kind"] == "peer" and v[0]["who"] != "godwit"]
    return min(peers) if peers else None


def limit(step, key):
    for name in LIMITS:
        if name in step:
            return median(step[name], key)
    return None


def ratio(of, to):
    return f"{of / to:.2f}" if of and to else "-"


def requests(samples, prices):
    """PUT and LIST, GET and HEAD, and what they and a month of the new bytes cost."""
    if "requests" not in samples[0]:
        return "-", "-"
    put = statistics.median(s["requests"]["put"] + s["requests"]["list"] for s in samples)
    get = statistics.median(s["requests"]["get"] + s["requests"]["head"] for s in samples)
    usd = (put * float(prices[5]) + get * float(prices[6])) / 1000
    usd += max(0, median(samples, "stored_bytes")) / 2**30 * float(prices[8])
    return f"{put:.0f} / {get:.0f}", f"{usd:.4f}"


def row(name, who, step, prices):
    samples = step[who]
    ours = who == "godwit"
    wall, cpu = median(samples, "wall_s"), median(samples, "cpu_s")
    count, usd = requests(samples, prices)
    is_limit = samples[0]["kind"] == "limit"
    label = who if samples[0]["kind"] == "peer" else f"{who} ({samples[0]['kind']})"
    return [name, label, with_spread(samples, "wall_s"), with_spread(samples, "cpu_s"),
            ratio(best(step, "wall_s"), wall) if ours else "",
            ratio(best(step, "cpu_s"), cpu) if ours else "",
            "" if is_limit else ratio(limit(step, "wall_s"), wall),
            "" if is_limit else ratio(limit(step, "cpu_s"), cpu),
            f"{median(samples, 'peak_rss_bytes') / 2**20:.0f}",
            f"{median(samples, 'stored_bytes') / 2**20:.1f}", f"{median(samples, 'objects'):.0f}", count, usd]


def order(who_samples):
    who, samples = who_samples
    return (who != "godwit", ["peer", "copy", "limit"].index(samples[0]["kind"]), who)


def tables(document):
    prices = document["prices"].split(",")
    for (data, store), steps in groups(document["samples"]).items():
        rows = []
        for name in STEPS:
            step = steps.get(name, {})
            for who, _ in sorted(step.items(), key=order):
                rows.append(row(name, who, step, prices))
        yield f"{data}, {store}", document, rows


def describe(document):
    m = document["machine"]
    return (f"{m['size_bytes'] >> 20} MiB, median of {m['repeat']}, {document['generated_at']}, commit {m['commit']}; "
            f"{m['cores']} x {m['cpu']} ({m['flags']}), {m['memory_bytes'] >> 30} GiB, Linux {m['kernel']}, "
            f"{m['filesystem']}, load before {m['load_before']}")


def as_text(documents):
    out = []
    for document in documents:
        for title, _, rows in tables(document):
            out.append(f"\n== {title}: {describe(document)}\n")
            widths = [max(len(r[i]) for r in [HEADS] + rows) for i in range(len(HEADS))]
            for r in [HEADS] + rows:
                cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
                out.append("  ".join(cells).rstrip())
    out.append("\nvs peer, vs limit: how often the row's program fits into what the best peer, the limit takes; above 1 it is ahead.")
    return "\n".join(out)


def as_markdown(documents):
    out = []
    for document in documents:
        for title, _, rows in tables(document):
            out += [f"### {title}", "", describe(document) + ".", "",
                    "| " + " | ".join(HEADS) + " |",
                    "|---|---|" + "--:|" * (len(HEADS) - 2)]
            for r in rows:
                cells = [f"**{c}**" if r[1] == "godwit" and c and i > 0 else c for i, c in enumerate(r)]
                out.append("| " + " | ".join(cells) + " |")
            out.append("")
    seen = {w["name"]: w for d in documents for w in d["with"]}
    out += ["### Versions and settings", "", "| program | version | settings |", "|---|---|---|"]
    out += [f"| {w['name']} | {w['version']} | {w['settings']} |" for w in seen.values()]
    return "\n".join(out) + "\n"


def put_into(page, text):
    with open(page, encoding="utf-8") as f:
        whole = f.read()
    if BEGIN not in whole or END not in whole:
        sys.exit(f"{page} has no marks: {BEGIN} and {END}")
    head, rest = whole.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    with open(page, "w", encoding="utf-8") as f:
        f.write(f"{head}{BEGIN}\n\n{text}\n{END}{tail}")


def main(argv):
    if len(argv) > 2 and argv[1] == "text":
        print(as_text(load(argv[2:])))
    elif len(argv) > 2 and argv[1] == "markdown":
        print(as_markdown(load(argv[2:])))
    elif len(argv) > 3 and argv[1] == "into":
        put_into(argv[2], as_markdown(load(argv[3:])))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
