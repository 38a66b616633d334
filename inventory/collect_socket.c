/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who listens, and who talks to whom: the raw matter of the dependency graph. Only sockets of the
 * host's own network namespace are seen; owners are known where /proc/PID/fd may be read.
 */
#include "inventory/collect.h"

#include "inventory/inet.h"
#include "inventory/line.h"
#include "inventory/pid.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
    SOCKETS_SEEN_MAX = 16384,
    PROTO_TCP = 0,
    PROTO_UDP = 1,
    ST_ESTABLISHED = 0x01, /* include/net/tcp_states.h; UDP borrows them */
    ST_CLOSE = 0x07,
    ST_LISTEN = 0x0a,
    PORT_EPHEMERAL_FROM = 32768, /* net.ipv4.ip_local_port_range */
};

struct sock {
    struct inet_addr local, remote;
    uint64_t inode, uid, pid; /* pid 0: not known */
    uint16_t local_port, remote_port;
    uint8_t proto;
    bool is_listening, is_inbound;
    char comm[PID_COMM_MAX];
};

struct sockets {
    struct probe *p;
    struct sock *all; /* sorted by inode while owners are looked for */
    size_t n;
    size_t unowned; /* sockets whose owner is still looked for */
    uint64_t left_out, loopback;
};

/* -- reading the tables ------------------------------------------------------ */

static bool endpoint_parse(struct slice word, struct inet_addr *ret_addr, uint16_t *ret_port)
{
    struct slice addr = line_until(&word, ':');
    uint64_t port = 0;

    if (!inet_parse(addr, ret_addr) || !line_u64(word, 16, &port) || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* sl local remote st tx:rx tr:when retrnsmt uid timeout inode ... */
static bool sock_parse(struct slice line, uint8_t proto, struct sock *ret)
{
    struct sock s = {.proto = proto};
    struct slice w[10];
    uint64_t state = 0;

    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        if (!line_word(&line, &w[i]))
            return false;
    }
    if (!endpoint_parse(w[1], &s.local, &s.local_port) ||
        !endpoint_parse(w[2], &s.remote, &s.remote_port) || !line_u64(w[3], 16, &state) ||
        !line_u64(w[7], 10, &s.uid) || !line_u64(w[9], 10, &s.inode) || s.uid > UINT32_MAX)
        return false;
    if (proto == PROTO_TCP)
        s.is_listening = state == ST_LISTEN;
    else
        s.is_listening = state == ST_CLOSE && s.local_port < PORT_EPHEMERAL_FROM;
    *ret = s;
    return s.is_listening || (state == ST_ESTABLISHED && !inet_is_any(&s.remote));
}

static void take_table(struct sockets *t, struct slice text, uint8_t proto)
{
    struct slice line;
    struct sock s;

    while (line_next(&text, &line)) {
        if (!sock_parse(line, proto, &s))
            continue;
        if (!s.is_listening && inet_is_loopback(&s.remote))
            t->loopback++;
        else if (t->n < SOCKETS_SEEN_MAX)
            t->all[t->n++] = s;
        else
            t->left_out++;
    }
}

static int take_tables(struct sockets *t, struct err *err)
{
    static const struct {
        const char *path;
        uint8_t proto;
    } tables[] = {{"/proc/net/tcp", PROTO_TCP},
                  {"/proc/net/tcp6", PROTO_TCP},
                  {"/proc/net/udp", PROTO_UDP},
                  {"/proc/net/udp6", PROTO_UDP}};
    auto_buf struct buf b = {0};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        bool cut = false;
        int rc;

        buf_clear(&b);
        rc = probe_read(t->p, tables[i].path, COLLECT_BIG_FILE_MAX_BYTES, &b, &cut, err);
        if (rc < 0 && i == 0)
            return rc; /* without IPv4 TCP there is nothing to say */
        take_table(t, buf_slice(&b), tables[i].proto);
        t->left_out += cut;
    }
    err_clear(err);
    return 0;
}

/* -- finding the owners ------------------------------------------------------ */

static int compare_inodes(const void *a, const void *b)
{
    const struct sock *x = a;
    const struct sock *y = b;

    return (x->inode > y->inode) - (x->inode < y->inode);
}

static struct sock *find_inode(struct sockets *t, const char *link)
{
    struct slice rest = slice_str(link);
    struct sock key = {0};

    if (!line_starts(rest, "socket:["))
        return NULL;
    (void)line_until(&rest, '[');
    if (!line_u64(line_until(&rest, ']'), 10, &key.inode) || key.inode == 0 || t->n == 0)
        return NULL;
    return bsearch(&key, t->all, t->n, sizeof(*t->all), compare_inodes);
}

static void set_owner(struct sockets *t, struct sock *s, const char *pid)
{
    auto_buf struct buf b = {0};
    char path[PROBE_PATH_MAX];
    struct pid_stat st;

    if (s->pid != 0 || !line_u64(slice_str(pid), 10, &s->pid))
        return;
    t->unowned--;
    if (text_print(path, sizeof(path), "/proc/%s/stat", pid) == 0 &&
        probe_read(t->p, path, COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) == 0 &&
        pid_stat_parse(buf_slice(&b), &st))
        memcpy(s->comm, st.comm, sizeof(s->comm));
}

/* Descriptors of other users' processes cannot be listed without privilege: those stay unknown. */
static void scan_process(struct sockets *t, const char *pid, uint64_t *budget)
{
    auto_vec char **names = NULL;
    char path[PROBE_PATH_MAX];
    char link[PROBE_TEXT_MAX];

    if (text_print(path, sizeof(path), "/proc/%s/fd", pid) < 0 ||
        probe_list(t->p, path, &names, NULL, NULL) < 0)
        return;
    for (size_t i = 0; names[i] && *budget > 0 && t->unowned > 0; i++) {
        struct sock *s = NULL;

        (*budget)--;
        if (text_print(path, sizeof(path), "/proc/%s/fd/%s", pid, names[i]) < 0 ||
            probe_link(t->p, path, link, sizeof(link), NULL) < 0)
            continue;
        s = find_inode(t, link);
        if (s)
            set_owner(t, s, pid);
    }
}

static void find_owners(struct sockets *t)
{
    auto_vec char **names = NULL;
    uint64_t budget = COLLECT_DESCRIPTORS_SEEN_MAX;

    if (t->n == 0 || probe_list(t->p, "/proc", &names, NULL, NULL) < 0)
        return;
    qsort(t->all, t->n, sizeof(*t->all), compare_inodes);
    t->unowned = t->n;
    for (size_t i = 0; names[i] && budget > 0 && t->unowned > 0; i++) {
        if (pid_is_name(names[i]))
            scan_process(t, names[i], &budget);
    }
}

/* -- writing ----------------------------------------------------------------- */

static const char *proto_name(const struct sock *s)
{
    return s->proto == PROTO_TCP ? "tcp" : "udp";
}

/* Listeners first, those that the outside reaches before the rest; then by protocol and port. */
static int compare_listeners(const void *a, const void *b)
{
    const struct sock *x = a;
    const struct sock *y = b;
    bool x_inside = inet_is_loopback(&x->local);
    bool y_inside = inet_is_loopback(&y->local);

    if (x->is_listening != y->is_listening)
        return x->is_listening ? -1 : 1;
    if (x_inside != y_inside)
        return x_inside ? 1 : -1;
    if (x->proto != y->proto)
        return x->proto < y->proto ? -1 : 1;
    if (x->local_port != y->local_port)
        return x->local_port < y->local_port ? -1 : 1;
    return memcmp(x->local.bytes, y->local.bytes, sizeof(x->local.bytes));
}

static bool same_listener(const struct sock *a, const struct sock *b)
{
    return a->proto == b->proto && a->local_port == b->local_port &&
           memcmp(a->local.bytes, b->local.bytes, sizeof(a->local.bytes)) == 0;
}

static void put_listener(struct jsw *w, const struct sock *s)
{
    char text[PROBE_ADDR_TEXT_MAX];

    jsw_obj(w, NULL);
    jsw_str(w, "proto", proto_name(s));
    jsw_str(w, "address", inet_text(&s->local, text));
    jsw_u64(w, "port", s->local_port);
    jsw_u64(w, "uid", s->uid);
    if (s->pid > 0)
        jsw_u64(w, "pid", s->pid);
    collect_put_str(w, "comm", s->comm);
    jsw_end(w);
}

/* *ret_n = how many of the sorted sockets are listeners. */
static void put_listeners(struct jsw *w, struct sockets *t, size_t *ret_n)
{
    uint64_t written = 0;
    uint64_t left_out = 0;
    size_t i = 0;

    if (t->n > 0)
        qsort(t->all, t->n, sizeof(*t->all), compare_listeners);
    jsw_arr(w, "listening");
    for (; i < t->n && t->all[i].is_listening; i++) {
        if (i > 0 && same_listener(&t->all[i - 1], &t->all[i]))
            continue; /* SO_REUSEPORT: one per worker */
        if (written++ < COLLECT_LISTENING_MAX)
            put_listener(w, &t->all[i]);
        else
            left_out++;
    }
    jsw_end(w);
    jsw_u64(w, "listening_left_out", left_out);
    *ret_n = i;
}

/*
 * A connection on a port on which we listen was opened by the peer. Its own descriptor often
 * belongs to a worker that we may not look into: the listener's name is as good.
 */
static void mark_inbound(struct sockets *t, size_t n_listeners, struct sock *s)
{
    for (size_t i = 0; i < n_listeners && !s->is_inbound; i++) {
        const struct sock *l = &t->all[i];

        if (l->proto != s->proto || l->local_port != s->local_port)
            continue;
        s->is_inbound = true;
        if (!s->comm[0])
            memcpy(s->comm, l->comm, sizeof(s->comm));
    }
}

static uint16_t service_port(const struct sock *s)
{
    return s->is_inbound ? s->local_port : s->remote_port;
}

static int compare_peers(const void *a, const void *b)
{
    const struct sock *x = a;
    const struct sock *y = b;
    int by_addr = memcmp(x->remote.bytes, y->remote.bytes, sizeof(x->remote.bytes));

    if (by_addr != 0)
        return by_addr;
    if (x->is_inbound != y->is_inbound)
        return x->is_inbound ? -1 : 1;
    if (x->proto != y->proto)
        return x->proto < y->proto ? -1 : 1;
    if (service_port(x) != service_port(y))
        return service_port(x) < service_port(y) ? -1 : 1;
    return strcmp(x->comm, y->comm);
}

struct peer {
    const struct sock *sock; /* one of them */
    uint64_t count;
};

static int compare_counts(const void *a, const void *b)
{
    const struct peer *x = a;
    const struct peer *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return compare_peers(x->sock, y->sock);
}

static void put_peer(struct jsw *w, const struct peer *peer)
{
    const struct sock *s = peer->sock;
    char text[PROBE_ADDR_TEXT_MAX];

    jsw_obj(w, NULL);
    jsw_str(w, "proto", proto_name(s));
    jsw_str(w, "direction", s->is_inbound ? "in" : "out");
    jsw_str(w, "peer", inet_text(&s->remote, text));
    jsw_u64(w, "port", service_port(s));
    jsw_u64(w, "count", peer->count);
    collect_put_str(w, "comm", s->comm);
    jsw_end(w);
}

static int put_connections(struct jsw *w, struct sockets *t, size_t n_listeners)
{
    auto_free struct peer *peers = calloc(t->n + 1, sizeof(*peers));
    struct sock *first = t->all + n_listeners;
    size_t n = t->n - n_listeners;
    size_t n_peers = 0;

    if (!peers)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        mark_inbound(t, n_listeners, &first[i]);
    if (n > 0)
        qsort(first, n, sizeof(*first), compare_peers);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare_peers(&first[i - 1], &first[i]) != 0)
            peers[n_peers++].sock = &first[i];
        peers[n_peers - 1].count++;
    }
    if (n_peers > 0)
        qsort(peers, n_peers, sizeof(*peers), compare_counts);
    jsw_arr(w, "connections");
    for (size_t i = 0; i < num_min(n_peers, COLLECT_CONNECTIONS_MAX); i++)
        put_peer(w, &peers[i]);
    jsw_end(w);
    jsw_u64(w, "connections_left_out",
            n_peers > COLLECT_CONNECTIONS_MAX ? n_peers - COLLECT_CONNECTIONS_MAX : 0);
    return 0;
}

int collect_socket(struct probe *p, struct jsw *w, struct err *err)
{
    auto_free struct sock *all = calloc(SOCKETS_SEEN_MAX, sizeof(*all));
    struct sockets t = {.p = p, .all = all};
    size_t n_listeners = 0;
    int rc;

    if (!all)
        return err_set(err, -ENOMEM, "no memory for sockets");
    rc = take_tables(&t, err);
    if (rc < 0)
        return rc;
    find_owners(&t);
    put_listeners(w, &t, &n_listeners);
    rc = put_connections(w, &t, n_listeners);
    if (rc < 0)
        return err_set(err, rc, "no memory for connections");
    jsw_u64(w, "established_on_loopback", t.loopback);
    jsw_u64(w, "not_looked_at", t.left_out);
    return 0;
}
