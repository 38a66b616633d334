/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a daemon (libevent): timers, signals, wake-ups from other threads. */
#ifndef GODWIT_BASE_LOOP_H
#define GODWIT_BASE_LOOP_H

#include <stdint.h>

struct err;
struct loop;
struct loop_timer;

typedef void (*loop_fn)(void *arg);

int loop_new(struct loop **ret, struct err *err);
void loop_free(struct loop *l);                /* after its timers and servers */
int loop_run(struct loop *l, struct err *err); /* until loop_stop; once */
void loop_stop(struct loop *l);                /* from any thread; for good */

/* fn after delay_ms, then every period_ms (0 = once). Only from the loop's thread. */
int loop_timer_new(struct loop *l, uint64_t delay_ms, uint64_t period_ms, loop_fn fn, void *arg,
                   struct loop_timer **ret, struct err *err);
void loop_timer_free(struct loop_timer *t); /* NULL is fine; also from inside fn */

/* SIGTERM and SIGINT stop the loop; fn is called on SIGHUP (may be NULL). */
int loop_signals(struct loop *l, loop_fn on_hup, void *arg, struct err *err);

/* From any thread: fn(arg) soon, in the loop's thread, in order. 0 or -ENOMEM, -ECANCELED after
 * stop. What was accepted runs before loop_run returns; loop_free forgets what never ran. */
int loop_post(struct loop *l, loop_fn fn, void *arg);

struct event_base;
struct event_base *loop_base(struct loop *l); /* for base/httpd.c only */

#endif
