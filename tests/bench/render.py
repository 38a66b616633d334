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
        rounds = max(s["round"] for step in steps.values() for v in step.values() for s in v)
        yield f"{data}, {store}", describe(document, rounds), rows


def rate(steps, name):
    """GB of volume in a CPU second of godwit's."""
    of = steps.get(name, {}).get("godwit")
    return (lambda size: size / 1e9 / median(of, "cpu_s")) if of else None


def sent_for_change(steps):
    of = steps.get("1% scattered", {}).get("godwit")
    if not of or "changed_bytes" not in of[0].get("told", {}):
        return None
    return statistics.median(s["told"]["sent_bytes"] / s["told"]["changed_bytes"] for s in of)


def goals(documents):
    """What transport/ was built to reach: what, goal, measured, kept (None: not in this run)."""
    sets, size = {}, 0
    for d in documents:
        sets.update(groups(d["samples"]))
        size = d["machine"]["size_bytes"]
    files, tls = sets.get(("files", "local"), {}), sets.get(("files", "https"), {})
    seed, tls_seed = files.get("seed", {}), tls.get("seed", {})
    noise = sent_for_change(sets.get(("noise", "local"), {}))
    peaks = [s["peak_rss_bytes"] / 2**20 for steps in sets.values() for step in steps.values()
             for s in step.get("godwit", [])]

    def gb(name, least):
        r = rate(files, name)
        return (f"at least {least:.2f} GB of volume in a CPU second",
                f"{r(size):.2f}" if r else None, r and r(size) >= least)

    yield ("seed to a local store (files)", *gb("seed", 0.70))
    both = "godwit" in seed and "zstd" in seed
    share = median(seed["zstd"], "cpu_s") / median(seed["godwit"], "cpu_s") if both else None
    yield ("the same", "at least 80% of the speed of `zstd -1` alone (CPU)", share and f"{share:.0%}",
           share and share >= 0.8)
    yield ("second pass, nothing changed, no tracker (files)", *gb("unchanged", 2.5))
    yield ("second pass, 1% changed, tracker, 8 GiB", "50 times faster than the best peer", None, None)
    yield ("bytes sent for scattered 4 KiB writes (noise)", "at most 1.15 of the change", noise and f"{noise:.2f}",
           noise and noise <= 1.15)
    yield ("restore (files)", *gb("restore", 1.5))
    yield ("memory, all steps", "at most 64 MiB", f"{max(peaks):.0f} MiB" if peaks else None,
           max(peaks) <= 64 if peaks else None)
    ahead = best(tls_seed, "wall_s") / median(tls_seed["godwit"], "wall_s") \
        if "godwit" in tls_seed and best(tls_seed, "wall_s") else None
    yield ("seed over HTTPS to S3 on loopback (files)", "ahead of rclone and restic, wall clock",
           ahead and f"{ahead:.1f} times as fast as the better", ahead and ahead > 1)


def goal_rows(documents):
    for what, goal, got, kept in goals(documents):
        yield [what, goal, got or "not in this run", {None: "", True: "yes"}.get(kept, "**no**")]


def describe(document, rounds):
    m = document["machine"]
    return (f"{m['size_bytes'] >> 20} MiB, median of {rounds}, {document['generated_at']}, commit {m['commit']}; "
            f"{m['cores']} x {m['cpu']} ({m['flags']}), {m['memory_bytes'] >> 30} GiB, Linux {m['kernel']}, "
            f"{m['filesystem']}, load before {m['load_before']}")


def as_text(documents):
    out = []
    for document in documents:
        for title, about, rows in tables(document):
            out.append(f"\n== {title}: {about}\n")
            widths = [max(len(r[i]) for r in [HEADS] + rows) for i in range(len(HEADS))]
            for r in [HEADS] + rows:
                cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
                out.append("  ".join(cells).rstrip())
    out.append("\n== goals\n")
    out += ["; ".join(r).rstrip("; ") for r in goal_rows(documents)]
    out.append("\nvs peer, vs limit: how often the row's program fits into what the best peer, the limit takes; above 1 it is ahead.")
    return "\n".join(out)


def as_markdown(documents):
    out = ["### Goals", "", "| what | goal | measured | met |", "|---|---|--:|---|"]
    out += ["| " + " | ".join(r) + " |" for r in goal_rows(documents)]
    out.append("")
    for document in documents:
        for title, about, rows in tables(document):
            out += [f"### {title}", "", about + ".", "",
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
