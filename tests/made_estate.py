#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A made-up fleet as a godwit.estate/1 document, the same for the same arguments.

    made_estate.py HOSTS [SEED]

A fifth are servers that carry the others; applications of 3 to 12 machines (web tiers that breathe with
the day, databases that do not), a few idle machines, some of Windows, some bought long ago.
"""
import json
import sys

hosts_n = int(sys.argv[1])
state = int(sys.argv[2]) if len(sys.argv) > 2 else 1
GIB = 1 << 30


def below(n):
    global state
    state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
    return (state >> 33) % n


def week(base, swing):
    """Office hours, five days of seven."""
    out = []
    for hour in range(168):
        busy = hour // 24 < 5 and 8 <= hour % 24 < 19
        out.append(round(base + (swing if busy else 0) + below(100) / 100, 3))
    return out


def usage(hours, factor):
    top = max(hours)
    return {"samples": 4032, "from": "2026-09-01T00:00:00Z", "until": "2026-09-15T00:00:00Z",
            "mean": round(sum(hours) / 168, 3), "p50": sorted(hours)[84], "p90": round(top, 3),
            "p95": round(min(100, top * factor), 3), "p99": round(min(100, top * factor * 1.1), 3),
            "max": round(min(100, top * factor * 1.4), 3), "week": hours}


def flat(mean, peak):
    return {"samples": 4032, "from": "2026-09-01T00:00:00Z", "until": "2026-09-15T00:00:00Z", "mean": mean,
            "p95": int(mean * 1.2), "p99": int(mean * 1.3), "max": peak}


servers = max(1, hosts_n // 5)
hosts = []
for i in range(servers):
    hosts.append({"host": f"esx-{i:04d}", "kind": "hypervisor", "cores": 32, "memory_bytes": 512 * GIB,
                  "rack": f"r{i // 12:03d}", "pool": f"pool-{i // 48}", "site": "idc1", "watts": 350 + below(200),
                  "bought_on": f"{2020 + below(6)}-{1 + below(12):02d}-01"})
talks = []
app = 0
made = servers
while made < hosts_n:
    size = min(3 + below(10), hosts_n - made)
    name = f"app-{app:04d}"
    for k in range(size):
        tier = "db" if k == 0 else "batch" if k == 1 and size > 4 else "web"
        idle = below(40) == 0
        cores = [8, 4, 2][("db", "batch", "web").index(tier)] * (1 + below(2))
        memory = cores * 4 * GIB
        hours = week(0.3, 0) if idle else week(12, 0) if tier == "db" else week(4 + below(4), 20 + below(30))
        disk = (400 if tier == "db" else 40) * GIB
        host = {"host": f"{name}-{tier}-{k:02d}", "kind": "virtual", "cores": cores, "memory_bytes": memory,
                "os_family": "windows" if below(6) == 0 else "linux", "arch": "x86_64", "workload": name,
                "runs_on": f"esx-{(made * 7919) % servers:04d}", "addresses": [{"address": f"10.{made >> 16}.{made >> 8 & 255}.{made & 255}"}],
                "disks": [{"disk": "sda", "size_bytes": disk, "used_bytes": disk * (20 + below(60)) // 100}],
                "usage": {"cpu_percent": usage(hours, 1.1),
                          "memory_bytes": flat(memory * (30 + below(40)) // 100, memory * 80 // 100),
                          "net_bytes_per_s": flat(20000 if idle else 400000 + below(400000), 9000000),
                          "disk_write_bytes_per_s": flat(below(200000), 4000000)}}
        if tier == "web":
            host["tags"] = [{"key": "scale", "value": "yes" if app % 2 == 0 else "unknown"}]
            talks.append({"from": host["host"], "to": f"{name}-db-00", "port": 5432, "bytes": 10 ** 9 * (1 + below(50)),
                          "count": 1000, "from_time": "2026-09-01T00:00:00Z"})
        hosts.append(host)
        made += 1
    app += 1
for t in talks:
    del t["from_time"]
print(json.dumps({"schema": "godwit.estate/1", "sources": [], "hosts": hosts,
                  "workloads": [{"workload": f"app-{i:04d}", "depends": [f"app-{i - 1:04d}"] if i % 5 == 4 else []}
                                for i in range(app)],
                  "talks": talks}))
