/* SPDX-License-Identifier: Apache-2.0 */
/* What the planner can tell about itself, from facts that are at hand: no handler waits. */
#include "base/num.h"
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_host.h"
#include "planner/service/db_workload.h"
#include "planner/service/server_cert.h"
#include "planner/service/service_own.h"
#include "planner/service/store_watch.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "base/banned.h"

enum {
    TEXT_MAX = 640,
    API_VERSION = 1,
    SKEW_WARN_MS = 5000,
    SKEW_BAD_MS = 60000,
    CERT_WARN_DAYS = 30,
    HOSTS_MAX = 100000,
};

#define SPACE_WARN ((uint64_t)1 << 30)
#define SPACE_BAD ((uint64_t)64 << 20)

struct row {
    const char *severity;
    char text[TEXT_MAX];
    const char *next;
};

void api_version(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_document(call, "godwit.version/1", &w, &err);
    if (r == 0) {
        jsw_str(w, "version", PACKAGE_VERSION);
        jsw_u64(w, "api", API_VERSION);
    }
    api_finish(call, r, 200, w, &err);
}

static void check_database(struct service *svc, struct row *row)
{
    uint64_t n = 0;
    struct err err = {0};

    row->severity = "ok";
    if (db_host_count(svc->db, &n, &err) < 0) {
        row->severity = "critical";
        (void)snprintf(row->text, sizeof(row->text), "%s", err.text);
        return;
    }
    (void)snprintf(row->text, sizeof(row->text), "answers; %llu hosts", (unsigned long long)n);
}

static void check_store_caps(const struct store_caps *caps, struct row *row)
{
    const bool whole = caps->reads && caps->writes && caps->deletes && caps->lists;

    row->severity = !whole ? "critical" : caps->create_only ? "ok" : "warning";
    (void)snprintf(row->text, sizeof(row->text),
                   "reads %s, writes %s, deletes %s, lists %s, create-only %s; %.1f ms a put",
                   caps->reads ? "yes" : "no", caps->writes ? "yes" : "no",
                   caps->deletes ? "yes" : "no", caps->lists ? "yes" : "no",
                   caps->create_only ? "yes" : "no", (double)caps->round_trip_us / 1000);
    if (!whole)
        row->next = "Give the store's user the right to get, put, list and delete.";
    else if (!caps->create_only)
        row->next =
            "This store has no create-only writes: decisions are kept by the planner alone.";
}

static void check_store(struct service *svc, struct row *row)
{
    const struct store_watch_fact *fact;

    row->severity = "warning";
    if (!svc->own->store_watch) {
        (void)snprintf(row->text, sizeof(row->text), "no object store is configured");
        row->next = "godwit init --store URL";
        return;
    }
    fact = store_watch_last(svc->own->store_watch);
    if (fact->at_ms == 0) {
        (void)snprintf(row->text, sizeof(row->text), "is being tried");
        return;
    }
    if (fact->result < 0) {
        row->severity = "critical";
        (void)snprintf(row->text, sizeof(row->text), "%s: %s", svc->vault_url, fact->err.text);
        row->next = "godwit explain GW-3001";
        return;
    }
    check_store_caps(&fact->caps, row);
}

static void check_clock(struct service *svc, struct row *row)
{
    const struct store_watch_fact *fact =
        svc->own->store_watch ? store_watch_last(svc->own->store_watch) : NULL;
    const int64_t skew = fact && fact->at_ms && fact->result == 0 ? fact->caps.clock_skew_ms : 0;
    const int64_t off = skew < 0 ? -skew : skew;

    row->severity = off > SKEW_BAD_MS ? "critical" : off > SKEW_WARN_MS ? "warning" : "ok";
    (void)snprintf(row->text, sizeof(row->text), "%.1f s apart from the store's clock",
                   (double)off / 1000);
    if (off > SKEW_WARN_MS)
        row->next = "timedatectl set-ntp true";
}

static void check_disk(struct service *svc, struct row *row)
{
    struct statvfs st;
    char text[NUM_TEXT_MAX];
    uint64_t free_bytes;

    row->severity = "critical";
    if (statvfs(svc->own->conf.state_dir, &st) < 0) {
        (void)snprintf(row->text, sizeof(row->text), "statvfs '%s': %m", svc->own->conf.state_dir);
        return;
    }
    free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    row->severity = free_bytes < SPACE_BAD    ? "critical"
                    : free_bytes < SPACE_WARN ? "warning"
                                              : "ok";
    (void)snprintf(row->text, sizeof(row->text), "%s free for '%s'",
                   num_format_bytes(free_bytes, false, text), svc->own->conf.state_dir);
    if (free_bytes < SPACE_WARN)
        row->next = "Make room: a full disk stops the planner, not the replication.";
}

static void check_certificate(struct service *svc, struct row *row)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    struct err err = {0};
    uint64_t until = 0;
    double days;

    row->severity = "critical";
    if (server_cert_until(svc->own, &until, &err) < 0) {
        (void)snprintf(row->text, sizeof(row->text), "%s", err.text);
        return;
    }
    days = ((double)until - (double)now) / 86400e3;
    row->severity = days < 1 ? "critical" : days < CERT_WARN_DAYS ? "warning" : "ok";
    (void)snprintf(row->text, sizeof(row->text), "of this planner, good for %.0f days", days);
    if (days < CERT_WARN_DAYS)
        row->next = "systemctl restart godwitd";
}

struct agents {
    uint64_t now_ms;
    size_t online, offline, quarantined, other_version;
};

static int count_agent(void *arg, const struct host *host)
{
    struct agents *a = arg;

    if (host->quarantine[0])
        a->quarantined++;
    else if (a->now_ms > host->seen_ms + SERVICE_UNSEEN_MS)
        a->offline++;
    else
        a->online++;
    a->other_version += host->version[0] && !text_equal(host->version, PACKAGE_VERSION);
    return 0;
}

static void write_row(struct jsw *w, const char *check, const struct row *row)
{
    jsw_obj(w, NULL);
    jsw_str(w, "check", check);
    jsw_str(w, "severity", row->severity);
    jsw_str(w, "text", row->text);
    jsw_str(w, "next", row->next);
    jsw_end(w);
}

static int write_agents(struct service *svc, struct jsw *w, struct err *err)
{
    struct agents a = {.now_ms = clock_wall_ms(svc->clock)};
    struct row row = {0};
    int r;

    r = db_host_each(svc->db, "", HOSTS_MAX, count_agent, &a, err);
    if (r < 0)
        return r;
    row.severity = a.quarantined ? "critical" : a.offline ? "warning" : "ok";
    row.next = a.quarantined > 0 || a.offline > 0 ? "godwit host ls" : NULL;
    (void)snprintf(row.text, sizeof(row.text), "%zu online, %zu offline, %zu in quarantine",
                   a.online, a.offline, a.quarantined);
    write_row(w, "agents", &row);
    row.severity = a.other_version ? "warning" : "ok";
    row.next = a.other_version ? "godwit host ls -o wide" : NULL;
    (void)snprintf(row.text, sizeof(row.text), "planner %s, %zu agents have another",
                   PACKAGE_VERSION, a.other_version);
    write_row(w, "versions", &row);
    return 0;
}

static void check_replication(struct service *svc, struct row *row)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    char one[DB_WORKLOAD_TROUBLE_MAX] = "";
    struct err err = {0};
    uint64_t n = 0;

    row->severity = "critical";
    if (db_workload_report_troubles(svc->db, now - num_min(now, SERVICE_UNSEEN_MS), &n, one, &err) <
        0) {
        (void)snprintf(row->text, sizeof(row->text), "%s", err.text);
        return;
    }
    row->severity = n ? "warning" : "ok";
    row->next = n ? "godwit status" : NULL;
    (void)snprintf(row->text, sizeof(row->text), "volumes that report an error: %llu%s%s",
                   (unsigned long long)n, n ? ", the first " : "", one);
}

void api_doctor(struct api_call *call)
{
    static const struct {
        const char *name;
        void (*check)(struct service *svc, struct row *row);
    } checks[] = {{"database", check_database},
                  {"store", check_store},
                  {"clock", check_clock},
                  {"disk", check_disk},
                  {"certificate", check_certificate},
                  {"replication", check_replication}};
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_document(call, "godwit.doctor/1", &w, &err);
    if (r == 0) {
        jsw_arr(w, "items");
        for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
            struct row row = {0};

            checks[i].check(call->service, &row);
            write_row(w, checks[i].name, &row);
        }
        r = write_agents(call->service, w, &err);
        jsw_end(w);
    }
    api_finish(call, r, 200, w, &err);
}
