/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP in: evhttp over TLS. Here are the server, what a handler asks of a request, and replies;
 * what evhttp lacks to be left alone with strangers is in httpd_conn.c.
 */
#include "base/httpd_priv.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/text.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/banned.h"

enum {
    BACKLOG = 1024,
    TICK_S = 1,
    METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
              EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH,
};

/* -- who comes and goes -------------------------------------------------- */

void httpd_left(struct httpd *h)
{
    h->n_connections--;
    if (!h->closed)
        evconnlistener_enable(h->listener);
    else if (h->n_connections == 0)
        free(h);
}

/* evhttp has accepted; it wants a bufferevent for the descriptor. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct httpd *h = arg;

    (void)base;
    /* Others wait in the backlog until one leaves. */
    if (h->n_connections + 1 >= h->max_connections)
        evconnlistener_disable(h->listener);
    /* On NULL evhttp goes on in the clear: on_request refuses what comes that way. */
    return httpd_conn_open(h);
}

/* -- requests ----------------------------------------------------------- */

static int parse_target(struct httpd_request *r)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r->http);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    size_t len;

    if (!path)
        return -EINVAL;
    r->path = evhttp_uridecode(path[0] ? path : "/", 0, &len);
    if (!r->path || strlen(r->path) != len) /* a NUL would hide what follows it */
        return -EINVAL;
    if (query && query[0] && evhttp_parse_query_str(query, &r->query) < 0)
        return -EINVAL;
    return 0;
}

static void on_sent(struct evhttp_request *http, void *arg)
{
    (void)http;
    httpd_conn_sent(arg);
}

static void on_request(struct evhttp_request *http, void *arg)
{
    struct httpd *h = arg;
    struct conn *c = httpd_conn_of(http);

    if (!c) {
        evhttp_send_error(http, HTTP_BADREQUEST, NULL);
        return;
    }
    httpd_conn_handle(c, http);
    evhttp_request_set_on_complete_cb(http, on_sent, c);
    if (parse_target(&c->request) < 0) {
        httpd_error_reply(&c->request, HTTP_BADREQUEST);
        return;
    }
    h->fn(&c->request, h->arg);
    assert(c->state != CONN_HANDLING); /* answered or deferred */
}

/* -- the server --------------------------------------------------------- */

/* Out of descriptors, most likely: on_tick tries again. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void)arg; /* evhttp's own */
    evconnlistener_disable(listener);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct httpd *h = arg;

    (void)fd;
    (void)what;
    if (h->n_connections < h->max_connections)
        evconnlistener_enable(h->listener);
}

static int listen_at(struct httpd *h, const struct httpd_conf *conf, struct err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *at = NULL;
    const int one = 1;
    int code;

    if (getaddrinfo(conf->address, NULL, &hints, &at) != 0)
        return err_set(err, -EINVAL, "'%s' is not an address", conf->address);
    if (at->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)at->ai_addr)->sin6_port = htons(conf->port);
    else
        ((struct sockaddr_in *)(void *)at->ai_addr)->sin_port = htons(conf->port);
    h->listener = evconnlistener_new_bind(
        h->base, NULL, NULL, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
        BACKLOG, at->ai_addr, (int)at->ai_addrlen);
    code = -errno;
    freeaddrinfo(at);
    if (!h->listener)
        return err_set(err, code, "listen at %s port %u: %m", conf->address, conf->port);
    /* Inherited by what is accepted: a reply is written in pieces that must not wait. */
    setsockopt(evconnlistener_get_fd(h->listener), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    return 0;
}

static int find_port(struct httpd *h, struct err *err)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);

    if (getsockname(evconnlistener_get_fd(h->listener), (struct sockaddr *)&at, &len) < 0)
        return err_set(err, -errno, "ask for the port: %m");
    h->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                             : ((struct sockaddr_in *)&at)->sin_port);
    return 0;
}

static int serve(struct httpd *h, struct err *err)
{
    const struct timeval tick = {.tv_sec = TICK_S};

    h->http = evhttp_new(h->base);
    h->tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
    if (!h->http || !h->tick || event_add(h->tick, &tick) < 0)
        return err_set(err, -ENOMEM, "start a server: %m");
    evhttp_set_allowed_methods(h->http, METHODS);
    evhttp_set_max_headers_size(h->http, HTTPD_HEADERS_MAX);
    evhttp_set_max_body_size(h->http, (ev_ssize_t)h->max_body_bytes);
    evhttp_set_timeout(h->http, (int)h->timeout_s);
    evhttp_set_default_content_type(h->http, NULL);
    /* Read the rest of what is too large, else the peer never sees why it was refused. */
    evhttp_set_flags(h->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_bevcb(h->http, on_accept, h);
    evhttp_set_gencb(h->http, on_request, h);
    return 0;
}

int httpd_new(struct loop *l, const struct httpd_conf *conf, httpd_fn fn, void *arg,
              struct httpd **ret, struct err *err)
{
    struct httpd *h;
    int r;

    if (!conf->tls || !conf->error || conf->max_connections == 0 || conf->timeout_s == 0)
        return err_set(err, -EINVAL,
                       "a server needs TLS, errors, a timeout and room for connections");
    h = calloc(1, sizeof(*h));
    if (!h)
        return err_set(err, -ENOMEM, "start a server: %m");
    h->base = loop_base(l);
    h->tls = conf->tls;
    h->fn = fn;
    h->error = conf->error;
    h->arg = arg;
    h->max_body_bytes = conf->max_body_bytes;
    h->timeout_s = conf->timeout_s;
    h->max_connections = conf->max_connections;
    h->max_peer_connections =
        conf->max_peer_connections ? conf->max_peer_connections : conf->max_connections;
    LIST_INIT(&h->connections);
    LIST_INIT(&h->refused);
    signal(SIGPIPE, SIG_IGN); /* a peer that hangs up must not end the process */
    r = serve(h, err);
    if (r == 0)
        r = listen_at(h, conf, err);
    if (r == 0)
        r = find_port(h, err);
    if (r == 0 && !evhttp_bind_listener(h->http, h->listener))
        r = err_set(err, -ENOMEM, "start a server: %m");
    if (r < 0) {
        if (h->listener)
            evconnlistener_free(h->listener);
        httpd_free(h);
        return r;
    }
    *ret = h;
    return 0;
}

void httpd_free(struct httpd *h)
{
    struct conn *c;

    if (!h)
        return;
    h->closed = true;
    h->n_connections++; /* our own hold on the memory, until we are through */
    for (c = LIST_FIRST(&h->connections); c; c = LIST_NEXT(c, link))
        httpd_conn_forsake(c);
    httpd_conn_leave_refused(h);
    if (h->tick)
        event_free(h->tick);
    if (h->http)
        evhttp_free(h->http); /* its connections end at the loop's next turn, or with the loop */
    httpd_left(h);
}

uint16_t httpd_port(const struct httpd *h)
{
    return h->port;
}

/* -- what a handler asks ------------------------------------------------ */

const char *httpd_method(const struct httpd_request *r)
{
    switch (evhttp_request_get_command(r->http)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "";
    }
}

const char *httpd_path(const struct httpd_request *r)
{
    return r->path;
}

const char *httpd_query(struct httpd_request *r, const char *name)
{
    return evhttp_find_header(&r->query, name);
}

const char *httpd_header(const struct httpd_request *r, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(r->http), name);
}

struct slice httpd_body(struct httpd_request *r)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(r->http);

    return slice_of(evbuffer_pullup(body, -1), evbuffer_get_length(body));
}

const char *httpd_peer_address(const struct httpd_request *r)
{
    char *address = NULL;
    uint16_t port;

    evhttp_connection_get_peer(evhttp_request_get_connection(r->http), &address, &port);
    return address ? address : "";
}

const char *httpd_peer_identity(const struct httpd_request *r)
{
    return httpd_conn_of_request(r)->identity;
}

const char *httpd_peer_unit(const struct httpd_request *r)
{
    return httpd_conn_of_request(r)->unit;
}

const char *httpd_peer_fingerprint(const struct httpd_request *r)
{
    return httpd_conn_of_request(r)->fingerprint;
}

/* -- replies ------------------------------------------------------------ */

void httpd_defer(struct httpd_request *r, void (*on_gone)(void *arg), void *arg)
{
    struct conn *c = httpd_conn_of_request(r);

    assert(c->state == CONN_HANDLING);
    r->on_gone = on_gone;
    r->on_gone_arg = arg;
    httpd_conn_defer(c);
}

static void add_headers(struct evhttp_request *http, const char *type, const char *const *extra)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(http);

    evhttp_add_header(out, "Content-Type", type);
    evhttp_add_header(out, "Cache-Control", "no-store");
    evhttp_add_header(out, "X-Content-Type-Options", "nosniff");
    for (; extra && extra[0]; extra += 2) {
        evhttp_remove_header(out, extra[0]);
        evhttp_add_header(out, extra[0], extra[1]);
    }
}

/* For HEAD evhttp would send the body and leave its length away; we do it the right way round. */
static void only_length(struct evhttp_request *http, struct evbuffer *body)
{
    char length[24];

    if (!body || text_print(length, sizeof(length), "%zu", evbuffer_get_length(body)) < 0)
        return;
    evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Length", length);
    evbuffer_drain(body, evbuffer_get_length(body));
}

void httpd_reply(struct httpd_request *r, int status, const char *type, struct slice body,
                 const char *const *headers)
{
    struct conn *c = httpd_conn_of_request(r);
    struct evbuffer *out = evbuffer_new();

    assert(c->state == CONN_HANDLING || c->state == CONN_DEFERRED);
    if (c->state == CONN_DEFERRED)
        httpd_conn_undefer(c);
    if (!out || evbuffer_add(out, body.data, body.len) < 0)
        status = HTTP_INTERNAL;
    add_headers(r->http, type, headers);
    if (evhttp_request_get_command(r->http) == EVHTTP_REQ_HEAD)
        only_length(r->http, out);
    evhttp_send_reply(r->http, status, NULL, out);
    if (out)
        evbuffer_free(out);
    httpd_conn_write(c);
}
