/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the server. Every phase of it but a deferred request has a deadline, so a peer
 * that sends or reads too slowly is cut off. It lives as long as its TLS session, which tells us of
 * its end.
 *
 * evhttp ends the process when it sees input while it waits for our reply. It therefore never reads
 * then; for a deferred request we read in its place, only to notice a hang-up.
 */
#include "base/httpd_priv.h"

#include "base/text.h"

#include <assert.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

enum {
    /* What a peer may send while it waits: two TLS records, because libevent forgets to go on with
     * half a record that it left in the session. */
    DEFERRED_INPUT_MAX = 32 * 1024,
    PENDING_MAX = 1 << 20, /* a reply this far from being read */
    SLOW_READER_S = 5,     /* must come below PENDING_MAX within */
    LINGER_S = 1,
    LINGER_READS = 16,
};

static void deadline_set(struct conn *c, unsigned s)
{
    const struct timeval tv = {.tv_sec = s};

    event_add(c->deadline, &tv);
}

/* Not by the socket: behind a full input buffer nobody looks at it any more. */
static void conn_cut(struct conn *c)
{
    bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

static size_t conn_pending(const struct conn *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd;
    (void)what;
    if (c->overfull && conn_pending(c) <= PENDING_MAX) {
        c->overfull = false;
        deadline_set(c, c->httpd->timeout_s);
        return;
    }
    conn_cut(c);
}

/* The first byte of a request starts its clock. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct conn *c = arg;

    (void)input;
    if (info->n_added == 0 || c->state != CONN_IDLE)
        return;
    c->state = CONN_READING;
    deadline_set(c, c->httpd->timeout_s);
}

static void request_done(struct httpd_request *r)
{
    free(r->path);
    evhttp_clear_headers(&r->query);
    r->path = NULL;
    r->http = NULL;
    r->on_gone = NULL;
}

static void free_events(struct conn *c)
{
    if (c->deadline)
        event_free(c->deadline);
    if (c->turn)
        event_free(c->turn);
    c->deadline = c->turn = NULL;
}

/* The session is being freed, and with it the connection. */
static void on_conn_free(void *arg)
{
    struct conn *c = arg;
    struct httpd *h = c->httpd;

    LIST_REMOVE(c, link);
    free_events(c);
    request_done(&c->request);
    free(c);
    httpd_left(h);
}

/*
 * A peer whose certificate was refused. TLS 1.3 lets it send its request before it learns so;
 * closing over those unread bytes would reset the connection, and the alert that tells it why might
 * be lost. So the connection stays, through a descriptor of our own, until it has hung up.
 */
struct refused {
    LIST_ENTRY(refused) link;
    struct httpd *httpd;
    struct event *event;
    int fd;
    unsigned reads_left;
};

static void refused_free(struct refused *l)
{
    struct httpd *h = l->httpd;

    LIST_REMOVE(l, link);
    event_free(l->event);
    close(l->fd);
    free(l);
    httpd_left(h);
}

static void on_refused_input(evutil_socket_t fd, short what, void *arg)
{
    struct refused *l = arg;
    char junk[4096];

    if ((what & EV_TIMEOUT) || --l->reads_left == 0 || read(fd, junk, sizeof(junk)) <= 0)
        refused_free(l);
}

static void on_refusal(void *arg, int fd)
{
    const struct timeval patience = {.tv_sec = LINGER_S};
    const struct conn *c = arg;
    struct refused *l = calloc(1, sizeof(*l));

    if (!l)
        return;
    l->httpd = c->httpd;
    l->reads_left = LINGER_READS;
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    l->event = l->fd < 0
                   ? NULL
                   : event_new(c->httpd->base, l->fd, EV_READ | EV_PERSIST, on_refused_input, l);
    if (!l->event || event_add(l->event, &patience) < 0) {
        if (l->event)
            event_free(l->event);
        if (l->fd >= 0)
            close(l->fd);
        free(l);
        return;
    }
    LIST_INSERT_HEAD(&c->httpd->refused, l, link);
    c->httpd->n_connections++;
}

void httpd_conn_leave_refused(struct httpd *h)
{
    while (!LIST_EMPTY(&h->refused))
        refused_free(LIST_FIRST(&h->refused));
}

/* evhttp tells the descriptor of a connection only after it has asked for its bufferevent. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd;
    (void)what;
    if (c->peer.known)
        httpd_error_retell(c);
    else if (!httpd_peer_admit(c))
        conn_cut(c);
}

static struct conn *conn_new(struct httpd *h)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    TAILQ_INIT(&c->request.query);
    c->httpd = h;
    c->state = CONN_READING;
    c->hook = (struct cert_hook){.on_free = on_conn_free, .on_refusal = on_refusal, .arg = c};
    c->deadline = event_new(h->base, -1, 0, on_deadline, c);
    c->turn = event_new(h->base, -1, 0, on_turn, c);
    if (!c->deadline || !c->turn) {
        free_events(c);
        free(c);
        return NULL;
    }
    LIST_INSERT_HEAD(&h->connections, c, link);
    h->n_connections++;
    return c;
}

struct bufferevent *httpd_conn_open(struct httpd *h)
{
    struct conn *c = conn_new(h);
    struct ssl_st *session = c ? cert_server_session(h->tls, &c->hook) : NULL;

    if (!session) {
        if (c)
            on_conn_free(c);
        return NULL;
    }
    c->bev = bufferevent_openssl_socket_new(h->base, -1, session, BUFFEREVENT_SSL_ACCEPTING,
                                            BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev)
        return NULL; /* the session is freed, c with it */
    bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
    bufferevent_setwatermark(c->bev, EV_READ, 0, h->max_body_bytes + HTTPD_HEADERS_MAX);
    evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c);
    evbuffer_add_cb(bufferevent_get_output(c->bev), httpd_error_on_output, c);
    deadline_set(c, h->timeout_s);
    event_active(c->turn, 0, 0);
    return c->bev;
}

struct conn *httpd_conn_of(struct evhttp_request *http)
{
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(http));
    struct ssl_st *session = bufferevent_openssl_get_ssl(bev);
    const struct cert_hook *hook = session ? cert_session_hook(session) : NULL;

    return hook ? hook->arg : NULL;
}

static void learn_peer(struct conn *c)
{
    struct ssl_st *session = bufferevent_openssl_get_ssl(c->bev);
    uint8_t hash[CERT_PIN_LEN];

    c->peer_known = true;
    if (cert_peer(session, c->identity, c->unit) == 0 && cert_peer_fingerprint(session, hash) == 0)
        text_hex(hash, sizeof(hash), c->fingerprint);
}

void httpd_conn_handle(struct conn *c, struct evhttp_request *http)
{
    event_del(c->deadline);
    c->state = CONN_HANDLING;
    c->request.http = http;
    if (!c->peer_known)
        learn_peer(c);
}

void httpd_conn_sent(struct conn *c)
{
    request_done(&c->request);
    c->state = CONN_IDLE;
    c->overfull = false;
    deadline_set(c, c->httpd->timeout_s);
}

void httpd_conn_write(struct conn *c)
{
    c->state = CONN_WRITING;
    c->overfull = conn_pending(c) > PENDING_MAX;
    deadline_set(c, c->overfull ? SLOW_READER_S : c->httpd->timeout_s);
}

/* Something came from a peer whose request is deferred: let it lie until evhttp reads again. */
static void on_deferred_input(struct bufferevent *bev, void *arg)
{
    (void)bev;
    (void)arg;
}

static void on_deferred_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    struct httpd_request *r = &c->request;
    struct evhttp_request *http = r->http;
    const struct callbacks evhttp = c->evhttp;

    c->state = CONN_GONE;
    r->on_gone(r->on_gone_arg);
    request_done(r);
    bufferevent_setcb(bev, evhttp.read, evhttp.write, evhttp.event, evhttp.arg);
    evhttp.event(bev, what, evhttp.arg); /* closes, and leaves the request to us */
    evhttp_request_free(http);
}

void httpd_conn_defer(struct conn *c)
{
    struct callbacks *evhttp = &c->evhttp;

    c->state = CONN_DEFERRED;
    bufferevent_getcb(c->bev, &evhttp->read, &evhttp->write, &evhttp->event, &evhttp->arg);
    bufferevent_setcb(c->bev, on_deferred_input, NULL, on_deferred_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, DEFERRED_INPUT_MAX);
    bufferevent_set_timeouts(c->bev, NULL, NULL);
    bufferevent_enable(c->bev, EV_READ);
}

void httpd_conn_undefer(struct conn *c)
{
    const struct callbacks *evhttp = &c->evhttp;
    const struct timeval tv = {.tv_sec = c->httpd->timeout_s};

    bufferevent_disable(c->bev, EV_READ);
    bufferevent_setwatermark(c->bev, EV_READ, 0, c->httpd->max_body_bytes + HTTPD_HEADERS_MAX);
    bufferevent_set_timeouts(c->bev, &tv, &tv);
    bufferevent_setcb(c->bev, evhttp->read, evhttp->write, evhttp->event, evhttp->arg);
}

void httpd_conn_forsake(struct conn *c)
{
    free_events(c); /* the base may be gone when the session is freed */
    if (c->state != CONN_DEFERRED)
        return;
    c->state = CONN_GONE;
    c->request.on_gone(c->request.on_gone_arg);
}
