/* SPDX-License-Identifier: Apache-2.0 */
/* What the service keeps for itself: settings, its CA, its listener, the facts of its workers. */
#ifndef GODWIT_PLANNER_SERVICE_SERVICE_OWN_H
#define GODWIT_PLANNER_SERVICE_SERVICE_OWN_H

#include "base/cert.h"
#include "planner/service/db_history.h"
#include "planner/service/service.h"

enum {
    SERVICE_TEXT_MAX = 256,
    SERVICE_PORT = 7443,
    SERVICE_BODY_MAX = 1 << 20,
    SERVICE_REPORT_S = 60,
    SERVICE_PEER_CONNECTIONS = 5000,
    SERVICE_HISTORY_DAYS = 400,
    /* Agents keep the answers of orders for a month: an id must not come again within it. */
    SERVICE_HISTORY_LEAST = 60,
    SERVICE_UNSEEN_MS = 150 * 1000, /* an agent silent for so long counts as offline */
};

/* Settings, from flags, environment and files (godwitd.c). Texts are lent for the service's life.
 */
struct service_conf {
    const char *state_dir;
    const char *listen; /* "127.0.0.1:7443", "[::1]:0" */
    const char *store_url, *store_region, *store_endpoint;
    const char *store_key;     /* secret reference; NULL = STATE/vault.key */
    uint64_t link_bytes_per_s; /* for plans; 0 = unknown */
    uint64_t report_s;         /* how often agents report, 0 = SERVICE_REPORT_S */
    uint64_t peer_connections; /* at one time, of one address */
    uint64_t history_days;     /* events, orders and operations are kept so long; 0 = for ever */
    bool make_database;        /* an empty one when there is none: init alone does */
};

struct service_own {
    struct service service; /* what everybody gets; its own points back here */
    struct service_conf conf;
    char address[SERVICE_TEXT_MAX];
    uint16_t port;
    int lock_fd;
    struct buf ca_cert, ca_key;
    char pin[CERT_PIN_LEN * 2]; /* of the CA's key, base64url */
    struct buf vault_key_text;  /* as agents get it */
    uint8_t vault_key[32];
    struct cert_server *tls;
    struct httpd *httpd;
    struct store_watch *store_watch; /* NULL without a store */
    struct window_cache *windows;    /* the calendars as spans, NULL until asked for */
    struct loop_timer *sweep;
    uint64_t next_verify_ms, next_forget_ms; /* monotonic, of the sweep */
    struct db_history history;               /* how far forgetting has come */
    bool forgetting;                         /* it goes on with the next tick */
    uint64_t started_ms;
    const char *caller; /* address of the request being handled, "" = none */
};

/*
 * Everything but the listener: lock, database, CA, keys. -EWOULDBLOCK when another godwitd has the
 * state directory; -ENOENT when it was never made (init.h); -EUCLEAN (GW_DB_DAMAGED) when it lost
 * its database. conf's texts are lent.
 */
int service_open(const struct service_conf *conf, struct service **ret, struct err *err);
/* The CA and its pin alone, into own whose conf is set: what a client file needs. */
int service_load_ca(struct service_own *own, struct err *err);
/* Listen and begin the timers; needs a loop in svc->loop. */
int service_listen(struct service *svc, struct err *err);
uint16_t service_port(const struct service *svc);
void service_close(struct service *svc);

/* A host of that name enrolled or left: its workloads may have new assignments. */
void service_host_changed(struct service *svc, const char *host);

/* "ADDRESS:PORT" or "[V6]:PORT" into its parts. -EINVAL. */
int service_split_listen(const char *listen, char *out_address, size_t size, uint16_t *ret_port,
                         struct err *err);

#endif
