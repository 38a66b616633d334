/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's workloads without a planner or network, one act a run, so that a shell test can kill
 * it anywhere and start it again.
 *
 *   tool_agent vault URL KEYFILE                     make the vault, print the key
 *   tool_agent round STATE CONFIG                    one step of every workload (settle, replicate)
 *   tool_agent order STATE CONFIG ORDER              carry out one order, print its saved answer
 *   tool_agent round|order … LATER FIFO              the order LATER arrives when FIFO is written
 * to tool_agent renew STATE HOURS                     renew the certificate, so many hours from now
 *   tool_agent decide CONFIG WORKLOAD EPOCH promote|abort [FINAL-ANSWER]
 */
#include "agent/vaultref.h"
#include "agent/workload.h"
#include "agent/client.h"
#include "agent/order.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

#include "base/banned.h"

enum { FILE_MAX = 1 << 20 };

static struct enrol_identity identity = {.identity = "h-test", .name = "test"};

static int make_vault(const char *url, const char *key_file, struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    struct vault_conf conf = {.store = {.url = url, .path_style = -1}, .key = key, .create = true};
    auto_vault struct vault *v = NULL;
    auto_buf struct buf text = {0};
    int r = vault_key_create(key_file, &rng_system, key, err);

    if (r == 0)
        r = vault_open(&conf, &v, err);
    if (r == 0)
        r = fd_load(key_file, FILE_MAX, &text, err);
    if (r == 0)
        printf("%s", buf_cstr(&text));
    return r;
}

static int open_agent(struct agent *a, const char *state_dir, const struct js *config,
                      struct err *err)
{
    const struct js *list = js_member(config, "assignments");
    int r;

    a->clock = &clock_system;
    a->rng = &rng_system;
    a->state_dir = state_dir;
    a->identity = &identity;
    a->self_abort_ms = js_u64(config, "self_abort_ms", AGENT_SELF_ABORT_DEFAULT_MS);
    r = vaultref_new(state_dir, &a->vault, err);
    if (r == 0)
        r = vaultref_set(a->vault, js_member(config, "vault"), err);
    if (r == 0)
        r = fleet_new(a, &a->fleet, err);
    for (size_t i = 0; r == 0 && i < js_len(list); i++) {
        struct assignment *as = NULL;
        struct workload *w = NULL;

        r = assignment_parse(js_at(list, i), &as, err);
        if (r == 0)
            r = fleet_get(a->fleet, as->workload, &w, err);
        if (r == 0)
            r = workload_assign(w, as, err);
    }
    return r;
}

static void close_agent(struct agent *a)
{
    fleet_free(a->fleet);
    vaultref_free(a->vault);
}

static void step_one(void *arg, struct workload *w)
{
    unsigned steps = 0;

    (void)arg;
    while (workload_step(w) == 0 && ++steps < 10)
        ;
}

static void report_one(void *arg, struct workload *w)
{
    repl_write(w, arg);
}

/* What the planner would be told. */
static int print_report(const struct agent *a, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_arr(w, "replication");
    fleet_each(a->fleet, report_one, w);
    jsw_end(w);
    jsw_end(w);
    r = jsw_finish(w, false, &text, err);
    if (r == 0)
        printf("%s\n", buf_cstr(&text));
    return r;
}

/* An order that arrives as soon as somebody writes to a FIFO, as from the thread that asks. */
struct later {
    struct workload *workload;
    struct order *order;
    const char *fifo;
    pthread_t thread;
    bool started;
};

static void *arrive(void *arg)
{
    struct later *l = arg;
    auto_close int fd = open(l->fifo, O_RDONLY | O_CLOEXEC);
    char byte;

    if (fd >= 0 && read(fd, &byte, 1) == 1)
        workload_order(l->workload, TAKE(l->order));
    return NULL;
}

/* files: the order and the FIFO; NULL = none comes. */
static int expect_later(struct agent *a, char *const *files, struct later *l, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r = files ? js_load(files[0], FILE_MAX, &doc, err) : 0;

    if (r < 0 || !files)
        return r;
    r = order_parse(doc, &l->order, err);
    if (r == 0)
        r = fleet_get(a->fleet, l->order->workload, &l->workload, err);
    if (r < 0)
        return r;
    l->fifo = files[1];
    l->started = pthread_create(&l->thread, NULL, arrive, l) == 0;
    return 0;
}

static void await_later(struct later *l)
{
    if (l->started)
        pthread_join(l->thread, NULL);
    order_free(l->order);
}

static int do_round(const char *state_dir, const char *config_file, char *const *later,
                    struct err *err)
{
    struct agent a = {0};
    struct later l = {0};
    auto_js struct js *config = NULL;
    int r = js_load(config_file, FILE_MAX, &config, err);

    if (r == 0)
        r = open_agent(&a, state_dir, config, err);
    if (r == 0)
        r = expect_later(&a, later, &l, err);
    if (r == 0) {
        fleet_each(a.fleet, step_one, NULL);
        r = print_report(&a, err);
    }
    await_later(&l);
    close_agent(&a);
    return r;
}

static int print_answer(const struct workload *w, const char *id, struct err *err)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    int r;

    text_print(path, sizeof(path), "%.3000s/orders/%.200s.json", w->dir, id);
    r = fd_load(path, FILE_MAX, &text, err);
    if (r == 0)
        printf("%s\n", buf_cstr(&text));
    return r;
}

static int do_order(const char *state_dir, const char *config_file, const char *order_file,
                    char *const *later, struct err *err)
{
    struct agent a = {0};
    struct later l = {0};
    auto_js struct js *config = NULL;
    auto_js struct js *doc = NULL;
    struct order *o = NULL;
    struct workload *w = NULL;
    char id[ORDER_ID_MAX + 1];
    int r = js_load(config_file, FILE_MAX, &config, err);

    if (r == 0)
        r = js_load(order_file, FILE_MAX, &doc, err);
    if (r == 0)
        r = open_agent(&a, state_dir, config, err);
    if (r == 0)
        r = order_parse(doc, &o, err);
    if (r == 0)
        r = fleet_get(a.fleet, o->workload, &w, err);
    if (r == 0)
        r = expect_later(&a, later, &l, err);
    if (r == 0) {
        text_copy(id, sizeof(id), o->id);
        workload_order(w, o);
        workload_step(w);
        r = print_answer(w, id, err);
    }
    await_later(&l);
    close_agent(&a);
    return r;
}

static int fill_volume(const struct js *from, const char *workload, struct control_volume *to,
                       struct err *err)
{
    const char *name = js_str(from, "name", "");

    to->seq = js_u64(from, "seq", 0);
    if (text_unhex(js_str(from, "digest", ""), to->digest, sizeof(to->digest)) < 0)
        return err_set(err, -EINVAL, "digest");
    return text_print(to->replica, sizeof(to->replica), "%s/%s", workload, name);
}

static int fill_verdict(const char *answer_file, const char *workload, struct control_verdict *v,
                        struct err *err)
{
    auto_js struct js *doc = NULL;
    const struct js *list;
    int r = js_load(answer_file, FILE_MAX, &doc, err);

    list = js_member(js_member(doc, "result"), "volumes");
    for (size_t i = 0; r == 0 && i < js_len(list) && i < CONTROL_VOLUMES_MAX; i++)
        r = fill_volume(js_at(list, i), workload, &v->volumes[v->volumes_n++], err);
    return r;
}

static int do_decide(char **argv, struct err *err)
{
    auto_js struct js *config = NULL;
    auto_vault struct vault *v = NULL;
    uint8_t key[CRYPTO_KEY_LEN];
    struct vault_conf conf = {.key = key};
    struct control_verdict want = {.decided_ms = clock_wall_ms(&clock_system), .by = "planner"};
    struct control_verdict stands;
    int r = js_load(argv[0], FILE_MAX, &config, err);

    if (r == 0)
        r = num_parse_u64(argv[2], 1, UINT64_MAX, &want.epoch, err);
    want.decision = text_equal(argv[3], "promote") ? CONTROL_PROMOTE : CONTROL_ABORT;
    if (r == 0 && argv[4])
        r = fill_verdict(argv[4], argv[1], &want, err);
    conf.store =
        (struct store_conf){.url = js_str(js_member(config, "vault"), "url", ""), .path_style = -1};
    if (r == 0)
        r = vault_key_parse(js_str(js_member(config, "vault"), "key", ""), key, err);
    if (r == 0)
        r = vault_open(&conf, &v, err);
    if (r == 0)
        r = control_decide(v, argv[1], &want, &stands, err);
    if (r == 0)
        printf("%s\n", stands.decision == CONTROL_PROMOTE ? "promote" : "abort");
    return r;
}

/* Against a planner that runs; the agent itself must not. */
static int do_renew(const char *state_dir, const char *hours, struct err *err)
{
    auto_identity struct enrol_identity *id = NULL;
    auto_client struct client *client = NULL;
    atomic_bool stop = false;
    uint64_t n = 0;
    int r = num_parse_u64(hours, 0, 1000, &n, err);

    if (r == 0)
        r = enrol_load(state_dir, NULL, &id, err);
    if (r == 0)
        r = client_new(id, &stop, &client, err);
    if (r == 0)
        r = enrol_renew(id, client, clock_wall_ms(&clock_system) + n * 3600 * 1000, err);
    return r;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int r = -EINVAL;

    log_init("tool_agent", LOG_LEVEL_INFO, false);
    if (argc == 4 && text_equal(argv[1], "vault"))
        r = make_vault(argv[2], argv[3], &err);
    else if ((argc == 4 || argc == 6) && text_equal(argv[1], "round"))
        r = do_round(argv[2], argv[3], argc == 6 ? argv + 4 : NULL, &err);
    else if ((argc == 5 || argc == 7) && text_equal(argv[1], "order"))
        r = do_order(argv[2], argv[3], argv[4], argc == 7 ? argv + 5 : NULL, &err);
    else if (argc == 4 && text_equal(argv[1], "renew"))
        r = do_renew(argv[2], argv[3], &err);
    else if (argc >= 6 && text_equal(argv[1], "decide"))
        r = do_decide(argv + 2, &err);
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err, argc > 1 ? argv[1] : "usage");
    return r < 0 ? (int)gw_of(&err)->exit : 0;
}
