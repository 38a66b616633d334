/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's planner and agents, set up as an operator would: init, token, enrol, workload. */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/out.h"

#include <stdio.h>

#include "base/banned.h"

enum { CLIENT_MAX = 64 * 1024, ONLINE_MS = 20000 };

static const struct {
    const char *name; /* of its directory */
    const char *host, *roles;
} agents[] = {
    {"idc", DEMO_SOURCE_HOST, "source"},
    {"cloud", DEMO_TARGET_HOST, "landing"},
};

/* -- planner ------------------------------------------------------------------- */

struct planner_paths {
    char dir[PATH_MAX], conf[PATH_MAX], client[PATH_MAX], port[PATH_MAX], store[PATH_MAX];
    char url[PATH_MAX + 16];
};

static int planner_paths(const struct demo *d, struct planner_paths *p, struct err *err)
{
    int r = demo_place_state(d, "planner", p->dir, err);

    if (r == 0)
        r = demo_place_state(d, "godwitd.conf", p->conf, err);
    if (r == 0)
        r = demo_place_state(d, "client.json", p->client, err);
    if (r == 0)
        r = demo_place_state(d, "port", p->port, err);
    if (r == 0)
        r = demo_place_data(d, "store", p->store, err);
    if (r == 0)
        r = text_print(p->url, sizeof(p->url), "file://%s", p->store);
    return r;
}

int demo_fleet_init(struct demo *d, const char *listen, struct err *err)
{
    static const char none[] = "# Nothing of the system's configuration counts for the demo.\n";
    struct planner_paths p;
    const char *argv[] = {d->godwitd,      "--init",   "--config", p.conf,    "--state-dir",
                          p.dir,           "--listen", listen,     "--store", p.url,
                          "--client-file", p.client,   NULL};
    int r = planner_paths(d, &p, err);

    if (r == 0)
        r = fd_save(p.conf, slice_str(none), 0600, err);
    if (r == 0)
        r = fd_mkdirs(p.store, 0700, err);
    return r < 0 ? r : demo_proc_tool(argv, NULL, NULL, err);
}

/* The port file comes last: the planner listens, and the client file is whole. */
static int wait_port(struct demo *d, const struct planner_paths *p, struct err *err)
{
    uint64_t until = clock_mono_ms(d->call->clock) + DEMO_STEP_MS;
    int r = 0;

    while (r == 0 && access(p->port, F_OK) < 0) {
        r = demo_proc_check(d, "planner", err);
        if (r == 0)
            r = demo_story_pause(d, until, "the planner listens", err);
    }
    return r;
}

static int start_planner(struct demo *d, const char *listen, struct err *err)
{
    struct planner_paths p;
    struct context ctx;
    const char *argv[] = {d->godwitd, "--config",    p.conf,    "--state-dir", p.dir,
                          "--listen", listen,        "--store", p.url,         "--client-file",
                          p.client,   "--port-file", p.port,    NULL};
    int r = planner_paths(d, &p, err);

    if (r == 0 && !demo_proc_runs(d, "planner"))
        r = fd_unlink(p.port, err);
    if (r == 0)
        r = demo_proc_start(d, "planner", argv, err);
    if (r == 0)
        r = wait_port(d, &p, err);
    if (r == 0)
        r = js_load(p.client, CLIENT_MAX, &d->client, err);
    if (r == 0)
        r = context_of_client(d->client, &ctx, err);
    return r < 0 ? r : api_open_context(d->call, &ctx, &d->api, err);
}

/* -- agents -------------------------------------------------------------------- */

static int make_token(struct demo *d, size_t i, const char *path, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *doc = NULL;
    uint8_t id[12];
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    rng_fill(d->call->rng, id, sizeof(id));
    jsw_obj(w, NULL);
    jsw_str(w, "kind", "join");
    jsw_u64(w, "ttl_s", 600);
    jsw_u64(w, "uses", 1);
    jsw_str(w, "host", agents[i].host);
    jsw_hex(w, "request_id", id, sizeof(id));
    jsw_end(w);
    r = api_do(d->api, &(struct api_request){.method = "POST", .path = "/v1/tokens", .body = w},
               &doc, err);
    return r < 0 ? r : fd_save(path, slice_str(js_str(doc, "token", "")), 0600, err);
}

static int start_agent(struct demo *d, size_t i, bool fresh, struct err *err)
{
    char dir[PATH_MAX], token[PATH_MAX], file[64];
    const char *argv[16] = {d->agent, "run",      "--state-dir",
                            dir,      "--server", js_str(d->client, "server", "")};
    size_t n = 6;
    int r = demo_place_state(d, agents[i].name, dir, err);

    (void)text_print(file, sizeof(file), "%s.join", agents[i].name);
    if (r == 0)
        r = demo_place_state(d, file, token, err);
    if (r == 0 && fresh)
        r = make_token(d, i, token, err);
    if (fresh) {
        argv[n++] = "--join";
        argv[n++] = token;
        argv[n++] = "--name";
        argv[n++] = agents[i].host;
        argv[n++] = "--roles";
        argv[n++] = agents[i].roles;
    }
    argv[n] = NULL;
    return r < 0 ? r : demo_proc_start(d, agents[i].name, argv, err);
}

static size_t online(const struct js *hosts)
{
    const struct js *items = js_member(hosts, "items");
    size_t n = 0;

    for (size_t i = 0; i < js_len(items); i++)
        n += text_equal(js_str(js_at(items, i), "state", ""), "online");
    return n;
}

static int wait_agents(struct demo *d, struct err *err)
{
    uint64_t until = clock_mono_ms(d->call->clock) + ONLINE_MS;
    int r = 0;

    while (r == 0) {
        auto_js struct js *hosts = NULL;

        r = api_get(d->api, "/v1/hosts", &hosts, err);
        if (r == 0 && online(hosts) == ARRAY_LEN(agents))
            return 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(agents); i++)
            r = demo_proc_check(d, agents[i].name, err);
        if (r == 0)
            r = demo_story_pause(d, until, "both agents are enrolled", err);
    }
    return r;
}

int demo_fleet_start(struct demo *d, const char *listen, bool fresh, struct err *err)
{
    char file[64], path[PATH_MAX];
    int r = start_planner(d, listen, err);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(agents); i++)
        r = start_agent(d, i, fresh, err);
    if (r == 0)
        r = wait_agents(d, err);
    for (size_t i = 0; r == 0 && fresh && i < ARRAY_LEN(agents); i++) {
        (void)text_print(file, sizeof(file), "%s.join", agents[i].name);
        r = demo_place_state(d, file, path, err);
        if (r == 0)
            r = fd_unlink(path, err); /* used up */
    }
    return r;
}

/* -- workload -------------------------------------------------------------------- */

struct side_paths {
    char volume[PATH_MAX], run[PATH_MAX], agent[PATH_MAX];
};

struct ledger_paths {
    char map[PATH_MAX], acks[PATH_MAX];
    struct side_paths source, target;
};

static int fill_side(const struct demo *d, const char *side, const char *agent,
                     struct side_paths *ret, struct err *err)
{
    char file[64];
    int r;

    (void)text_print(file, sizeof(file), "%s.img", side);
    r = demo_place_data(d, file, ret->volume, err);
    (void)text_print(file, sizeof(file), "run-%s", side);
    if (r == 0)
        r = demo_place_state(d, file, ret->run, err);
    return r < 0 ? r : demo_place_state(d, agent, ret->agent, err);
}

static int fill_ledger(const struct demo *d, struct ledger_paths *ret, struct err *err)
{
    int r = demo_place_data(d, "ledger.map", ret->map, err);

    if (r == 0)
        r = demo_place_data(d, "acks", ret->acks, err);
    if (r == 0)
        r = fill_side(d, "source", agents[0].name, &ret->source, err);
    return r < 0 ? r : fill_side(d, "target", agents[1].name, &ret->target, err);
}

enum { LEDGER_ARGV_MAX = 24 };

static void start_argv(const struct demo *d, const struct ledger_paths *p, const char *side,
                       bool guarded, const char *argv[static LEDGER_ARGV_MAX])
{
    const struct side_paths *s = text_equal(side, "source") ? &p->source : &p->target;
    const char *const all[] = {
        d->ledger, "start",  "--volume",      s->volume, "--map",      p->map,
        "--acks",  p->acks,  "--run-dir",     s->run,    "--side",     side,
        "--guard", d->agent, "--guard-state", s->agent,  "--workload", DEMO_WORKLOAD,
    };
    size_t n = guarded ? ARRAY_LEN(all) : 12;

    for (size_t i = 0; i < n; i++)
        argv[i] = all[i];
    argv[n] = NULL;
}

static void write_hook(struct jsw *w, const char *key, const char *const *argv)
{
    jsw_arr(w, key);
    jsw_arr(w, NULL);
    for (size_t i = 0; argv[i]; i++)
        jsw_str(w, NULL, argv[i]);
    jsw_end(w);
    jsw_end(w);
}

static void write_side(struct jsw *w, const struct demo *d, const struct ledger_paths *p,
                       const char *side)
{
    const struct side_paths *s = text_equal(side, "source") ? &p->source : &p->target;
    const char *start[LEDGER_ARGV_MAX];
    const char *stop[] = {d->ledger, "stop", "--run-dir", s->run, NULL};

    start_argv(d, p, side, true, start);
    jsw_obj(w, side);
    write_hook(w, "start", start);
    write_hook(w, "stop", stop);
    jsw_end(w);
}

static void write_place(struct jsw *w, const char *key, const char *host, const char *device)
{
    jsw_obj(w, key);
    jsw_str(w, "host", host);
    jsw_str(w, "device", device);
    jsw_null(w, "mount");
    jsw_end(w);
}

static void write_health(struct jsw *w, const struct demo *d, const struct ledger_paths *p)
{
    const char *const probe[] = {d->ledger,        "probe",    "--map",          p->map, "--source",
                                 p->source.volume, "--target", p->target.volume, NULL};

    jsw_arr(w, "health");
    jsw_obj(w, NULL);
    jsw_str(w, "name", "the ledger writes");
    jsw_arr(w, "run");
    for (size_t i = 0; probe[i]; i++)
        jsw_str(w, NULL, probe[i]);
    jsw_end(w);
    jsw_end(w);
    jsw_end(w);
}

static void write_workload(struct jsw *w, const struct demo *d, const struct ledger_paths *p)
{
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.workload/1");
    jsw_str(w, "workload", DEMO_WORKLOAD);
    jsw_arr(w, "volumes");
    jsw_obj(w, NULL);
    jsw_str(w, "name", "data");
    write_place(w, "source", DEMO_SOURCE_HOST, p->source.volume);
    write_place(w, "target", DEMO_TARGET_HOST, p->target.volume);
    jsw_end(w);
    jsw_end(w);
    jsw_obj(w, "hooks");
    write_side(w, d, p, "source");
    write_side(w, d, p, "target");
    jsw_end(w);
    write_health(w, d, p);
    jsw_obj(w, "limits");
    jsw_u64(w, "max_lag_s", 60);
    jsw_u64(w, "max_downtime_s", 60);
    jsw_u64(w, "interval_s", 1);
    jsw_end(w);
    jsw_end(w);
}

int demo_fleet_put_workload(struct demo *d, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *doc = NULL;
    struct ledger_paths p;
    int r = fill_ledger(d, &p, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    write_workload(w, d, &p);
    return api_do(
        d->api,
        &(struct api_request){.method = "PUT", .path = "/v1/workloads/" DEMO_WORKLOAD, .body = w},
        &doc, err);
}

/* -- the service that is moved ------------------------------------------------------- */

int demo_fleet_start_ledger(struct demo *d, const char *side, bool guarded, struct err *err)
{
    auto_buf struct buf out = {0};
    const char *argv[LEDGER_ARGV_MAX];
    struct ledger_paths p;
    int status = 0, r = fill_ledger(d, &p, err);

    if (r < 0)
        return r;
    start_argv(d, &p, side, guarded, argv);
    r = proc_run(&(struct proc_run){.argv = argv}, &out, &status, err);
    if (r < 0)
        return r;
    if (status == 0 || (guarded && status == GW_EXIT_REFUSED))
        return 0;
    return err_set(err, -EIO, "the ledger did not start (exit %d): %s", status,
                   out.len ? buf_cstr(&out) : "");
}

static int stop_ledger(struct demo *d, const char *run_dir, struct err *err)
{
    const char *argv[] = {d->ledger, "stop", "--run-dir", run_dir, NULL};

    if (access(run_dir, F_OK) < 0)
        return 0;
    return demo_proc_tool(argv, NULL, NULL, err);
}

int demo_fleet_end(struct demo *d, struct err *err)
{
    struct ledger_paths p;
    int r = fill_ledger(d, &p, err);

    /* The agents first: else one might start what was just stopped. */
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(agents); i++)
        r = demo_proc_end(d, agents[i].name, err);
    if (r == 0)
        r = demo_proc_end(d, "planner", err);
    if (r == 0)
        r = stop_ledger(d, p.source.run, err);
    return r < 0 ? r : stop_ledger(d, p.target.run, err);
}
