/* SPDX-License-Identifier: Apache-2.0 */
/* What httpd.c (the server, requests, replies) and httpd_conn.c (connections) share; only theirs.
 */
#ifndef GODWIT_BASE_HTTPD_PRIV_H
#define GODWIT_BASE_HTTPD_PRIV_H

#include "base/cert.h"
#include "base/httpd.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <sys/queue.h>

enum { HTTPD_HEADERS_MAX = 16 * 1024 };

enum conn_state {
    CONN_IDLE,
    CONN_READING, /* the handshake, or a request that is not whole yet */
    CONN_HANDLING,
    CONN_DEFERRED,
    CONN_WRITING,
    CONN_GONE,
};

/* The callbacks of evhttp, put aside while a request is deferred. */
struct callbacks {
    bufferevent_data_cb read, write;
    bufferevent_event_cb event;
    void *arg;
};

struct httpd_request {
    struct evhttp_request *http; /* lent while there is one, else NULL */
    char *path;
    struct evkeyvalq query;
    void (*on_gone)(void *arg);
    void *on_gone_arg;
};

/* Whom a connection is from, as far as peers are told apart. */
struct httpd_peer {
    bool known, is_v6;
    uint8_t prefix[8];
};

struct conn {
    LIST_ENTRY(conn) link;
    struct httpd *httpd;
    struct bufferevent *bev; /* lent; it holds the session that holds our end */
    struct event *deadline;
    struct event *turn; /* something is to be done at the loop's next turn */
    struct cert_hook hook;
    enum conn_state state;
    bool overfull; /* the reply is so long that it must shrink soon */
    struct httpd_peer peer;
    bool peer_known; /* who it is, by its certificate */
    char identity[CERT_ID_MAX], unit[CERT_ID_MAX], fingerprint[2 * CERT_PIN_LEN + 1];
    struct httpd_request request; /* one at a time */
    struct callbacks evhttp;
};

struct httpd {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener; /* http owns it */
    struct event *tick;
    struct cert_server *tls;
    httpd_fn fn;
    httpd_error_fn error;
    void *arg;
    size_t max_body_bytes;
    unsigned timeout_s, max_connections, max_peer_connections;
    unsigned n_connections; /* each is a reason to keep this memory */
    bool closed;
    uint16_t port;
    LIST_HEAD(conn_list, conn) connections;
    LIST_HEAD(refused_list, refused) refused;
};

/* A bufferevent for evhttp, whose session holds a new connection; NULL when there is no memory. */
struct bufferevent *httpd_conn_open(struct httpd *h);
/* NULL for a connection that is none of ours. */
struct conn *httpd_conn_of(struct evhttp_request *http);
static inline struct conn *httpd_conn_of_request(const struct httpd_request *r)
{
    return (struct conn *)((uintptr_t)r - offsetof(struct conn, request));
}
/* Steps of a request: it is whole; it waits for an answer; its answer is on the way; and sent. */
void httpd_conn_handle(struct conn *c, struct evhttp_request *http);
void httpd_conn_defer(struct conn *c);
void httpd_conn_undefer(struct conn *c);
void httpd_conn_write(struct conn *c);
void httpd_conn_sent(struct conn *c);
/* The server ends: tell who waits, and set no more timers. */
void httpd_conn_forsake(struct conn *c);

/* The server ends: leave those it has refused. */
void httpd_conn_leave_refused(struct httpd *h);

/* In httpd_error.c. */

/* Answer a request whose target does not parse. */
void httpd_error_reply(struct httpd_request *r, int status);
/* When something is put to the output of c, and a turn of the loop after that. */
void httpd_error_on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *c);
void httpd_error_retell(struct conn *c);

/* In httpd_peer.c: false when its peer has as many already as one may, or hung up. */
bool httpd_peer_admit(struct conn *c);

/* In httpd.c: a connection's memory is gone. */
void httpd_left(struct httpd *h);

#endif
