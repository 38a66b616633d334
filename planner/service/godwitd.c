/* SPDX-License-Identifier: Apache-2.0 */
/* godwitd: the planner's program. Flags and configuration in, a running service out. */
#include "base/conf.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/text.h"
#include "planner/service/init.h"
#include "planner/service/service_own.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/banned.h"

#define LISTEN_DEFAULT "0.0.0.0:7443"
#define STATE_DEFAULT "/var/lib/godwit"

static const struct opt options[] = {
    {.name = "state-dir",
     .type = OPT_TEXT,
     .arg = "DIR",
     .help = "database, CA and keys (" STATE_DEFAULT ")"},
    {.name = "listen",
     .type = OPT_TEXT,
     .arg = "A:P",
     .help = "address and port (" LISTEN_DEFAULT ")"},
    {.name = "config",
     .type = OPT_TEXT,
     .arg = "FILE",
     .help = "read this instead of the system's"},
    {.name = "port-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .help = "write the port there, once bound"},
    {.name = "client-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .help = "write there how a client reaches this planner"},
    {.name = "init", .type = OPT_SWITCH, .help = "make what is missing of the state, then exit"},
    {.name = "store", .type = OPT_TEXT, .arg = "URL", .help = "object store of the vault"},
    {.name = "store-region", .type = OPT_TEXT, .arg = "NAME", .help = "region of the store"},
    {.name = "store-endpoint", .type = OPT_TEXT, .arg = "URL", .help = "endpoint of the store"},
    {.name = "store-key", .type = OPT_TEXT, .arg = "REF", .help = "vault key (STATE/vault.key)"},
    {.name = "log-json", .type = OPT_SWITCH, .help = "log lines are JSON"},
    {.name = "verbose", .letter = 'v', .type = OPT_SWITCH, .help = "log more"},
    {.name = "version", .letter = 'V', .type = OPT_SWITCH, .help = "say the version and exit"},
    {.name = "help", .letter = 'h', .type = OPT_SWITCH, .help = "say this and exit"},
};

struct program {
    struct opt_set *opts;
    struct conf *conf;
    struct loop *loop;
    struct service *service;
    char state_config[PATH_MAX];
};

static void print_help(void)
{
    printf("godwitd: the planner of godwit\n\n"
           "  godwitd --init --state-dir DIR [--listen A:P] [--store URL] [--client-file FILE]\n"
           "  godwitd [--state-dir DIR]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct opt *o = &options[i];

        printf("  %c%c --%s%s%s\n        %s\n", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
               o->name, o->arg ? "=" : "", o->arg ? o->arg : "", o->help);
    }
}

/* Order: flag, environment, state directory, system. */
static const char *setting(const struct program *p, const char *flag, const char *section,
                           const char *key, const char *dflt)
{
    const char *given = flag ? opt_text(p->opts, flag) : NULL;

    return given ? given : conf_get(p->conf, section, key, dflt);
}

static int load_optional(struct conf *conf, const char *path, struct err *err)
{
    const int r = conf_load(conf, path, err);

    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    return r;
}

static int load_config(struct program *p, struct err *err)
{
    const char *given = opt_text(p->opts, "config");
    const char *state;
    int r;

    r = conf_new(&p->conf, err);
    if (r < 0)
        return r;
    if (given)
        r = conf_load(p->conf, given, err);
    else
        r = load_optional(p->conf, GODWIT_SYSCONFDIR "/godwit/godwitd.conf", err);
    if (r == 0 && !given)
        r = conf_load_dir(p->conf, GODWIT_SYSCONFDIR "/godwit/conf.d", err);
    if (r < 0)
        return r;
    state = setting(p, "state-dir", "godwitd", "state_dir", STATE_DEFAULT);
    r = text_print(p->state_config, sizeof(p->state_config), "%s/godwitd.conf", state);
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "--state-dir is too long");
    return load_optional(p->conf, p->state_config, err);
}

struct number {
    const char *key; /* of section godwitd */
    uint64_t dflt, min, max;
    bool zero; /* 0 is good as well */
    bool rate;
};

static int number(const struct program *p, const struct number *n, uint64_t *ret, struct err *err)
{
    const char *text = conf_get(p->conf, "godwitd", n->key, NULL);
    int r;

    *ret = n->dflt;
    if (!text || (n->zero && text_equal(text, "0"))) {
        *ret = text ? 0 : n->dflt;
        return 0;
    }
    r = n->rate ? num_parse_rate(text, ret, err) : num_parse_u64(text, n->min, n->max, ret, err);
    return r < 0 ? err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "[godwitd] %s = %s (%s)", n->key, text,
                              conf_origin(p->conf, "godwitd", n->key))
                 : 0;
}

static int read_settings(const struct program *p, struct service_conf *ret, struct err *err)
{
    static const struct number numbers[] = {
        {.key = "report_s", .max = 86400},
        {.key = "link", .rate = true},
        {.key = "history_days",
         .dflt = SERVICE_HISTORY_DAYS,
         .min = SERVICE_HISTORY_LEAST,
         .max = 36500,
         .zero = true},
        {.key = "peer_connections", .dflt = SERVICE_PEER_CONNECTIONS, .min = 4, .max = UINT32_MAX},
    };
    uint64_t *const to[] = {&ret->report_s, &ret->link_bytes_per_s, &ret->history_days,
                            &ret->peer_connections};
    int r = 0;

    *ret = (struct service_conf){
        .state_dir = setting(p, "state-dir", "godwitd", "state_dir", STATE_DEFAULT),
        .listen = setting(p, "listen", "godwitd", "listen", LISTEN_DEFAULT),
        .store_url = setting(p, "store", "store", "url", NULL),
        .store_region = setting(p, "store-region", "store", "region", NULL),
        .store_endpoint = setting(p, "store-endpoint", "store", "endpoint", NULL),
        .store_key = setting(p, "store-key", "store", "key", NULL),
    };
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
        r = number(p, &numbers[i], to[i], err);
    return r;
}

/* sd_notify(3) is one datagram: no library for that. */
static void notify_ready(void)
{
    static const char ready[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    auto_close int fd = -1;
    size_t len = path ? strlen(path) : 0;

    if (len == 0 || len >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, len);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

static int tell_port(const struct program *p, struct err *err)
{
    const char *path = opt_text(p->opts, "port-file");
    const char *client = opt_text(p->opts, "client-file");
    char text[16];
    int r = 0;

    (void)text_print(text, sizeof(text), "%u\n", service_port(p->service));
    if (client)
        r = init_write_client(p->service->own, client, err);
    /* Last, because whoever waits for it goes on at once. */
    if (r == 0 && path)
        r = fd_save(path, slice_str(text), 0644, err);
    return r;
}

static int serve(struct program *p, const struct service_conf *conf, struct err *err)
{
    int r;

    r = service_open(conf, &p->service, err);
    if (r == 0)
        r = loop_new(&p->loop, err);
    if (r < 0)
        return r;
    p->service->loop = p->loop;
    r = loop_signals(p->loop, NULL, NULL, err);
    if (r == 0)
        r = service_listen(p->service, err);
    if (r == 0)
        r = tell_port(p, err);
    if (r < 0)
        return r;
    log_info("listening on %s, port %u", p->service->own->address, service_port(p->service));
    notify_ready();
    r = loop_run(p->loop, err);
    log_info("stopping");
    return r;
}

static int run(struct program *p, int argc, char **argv, struct err *err)
{
    struct service_conf conf;
    int r;

    r = opt_parse(options, ARRAY_LEN(options), argc, argv, &p->opts, err);
    if (r < 0)
        return r;
    if (opt_args(p->opts) > 0)
        return err_set_gw(err, GW_USAGE, -EINVAL, "godwitd takes no arguments: '%s'",
                          opt_arg(p->opts, 0));
    log_init("godwitd", opt_switch(p->opts, "verbose") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
             opt_switch(p->opts, "log-json"));
    if (opt_switch(p->opts, "help")) {
        print_help();
        return 0;
    }
    if (opt_switch(p->opts, "version")) {
        printf("godwitd %s\n", PACKAGE_VERSION);
        return 0;
    }
    r = load_config(p, err);
    if (r == 0)
        r = read_settings(p, &conf, err);
    if (r < 0)
        return r;
    return opt_switch(p->opts, "init") ? init_run(&conf, opt_text(p->opts, "client-file"), err)
                                       : serve(p, &conf, err);
}

int main(int argc, char **argv)
{
    struct program p = {0};
    struct err err = {0};
    int r;

    umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    log_init("godwitd", LOG_LEVEL_INFO, false);
    r = run(&p, argc, argv, &err);
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err, "godwitd");
    service_close(p.service);
    loop_free(p.loop);
    conf_free(p.conf);
    opt_free(p.opts);
    return r < 0 ? (int)gw_of(&err)->exit : GW_EXIT_OK;
}
