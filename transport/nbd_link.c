/* SPDX-License-Identifier: Apache-2.0 */
/* A connection by libnbd, where there is one, and the thread that moves it. */
#include "transport/nbd_link.h"

#include "base/err.h"

#ifdef HAVE_LIBNBD
#include "base/clock.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/nbd_link_priv.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/banned.h"

enum { CONNECT_MS = 30000, SILENT_MS = 120000, TICK_MS = 1000, REQUEST_MAX = 2 << 20 };

void nbd_link_wake(const struct nbd_link *l)
{
    uint64_t one = 1;

    (void)!write(l->wake_fd, &one, sizeof(one));
}

/* One step of the connection. False: nothing came. */
static bool turn(struct nbd_link *l, int timeout_ms)
{
    unsigned way = l->lib.aio_get_direction(l->nbd);
    struct pollfd fds[2] = {{.fd = l->lib.aio_get_fd(l->nbd)},
                            {.fd = l->wake_fd, .events = POLLIN}};
    uint64_t drained;

    fds[0].events = (short)(((way & LIBNBD_AIO_DIRECTION_READ) ? POLLIN : 0) |
                            ((way & LIBNBD_AIO_DIRECTION_WRITE) ? POLLOUT : 0));
    if (poll(fds, ARRAY_LEN(fds), timeout_ms) < 0)
        return false;
    if (fds[1].revents)
        (void)!read(l->wake_fd, &drained, sizeof(drained));
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) && (way & LIBNBD_AIO_DIRECTION_READ))
        (void)l->lib.aio_notify_read(l->nbd);
    else if (fds[0].revents)
        (void)l->lib.aio_notify_write(l->nbd);
    return fds[0].revents != 0;
}

static bool ended(struct nbd_link *l)
{
    return l->lib.aio_is_dead(l->nbd) != 0 || l->lib.aio_is_closed(l->nbd) != 0;
}

/* A server that owes an answer and says nothing for so long has gone: the end of the socket makes
 * libnbd fail all that is under way. */
static void hang_up(const struct nbd_link *l)
{
    (void)shutdown(l->lib.aio_get_fd(l->nbd), SHUT_RDWR);
}

static void *move(void *arg)
{
    struct nbd_link *l = arg;
    uint64_t heard_ms = clock_mono_ms(&clock_system);

    while (!atomic_load(&l->stop) && !ended(l)) {
        bool heard = turn(l, TICK_MS);
        uint64_t now_ms = clock_mono_ms(&clock_system);

        if (heard || atomic_load(&l->under_way) == 0)
            heard_ms = now_ms;
        else if (now_ms - heard_ms > SILENT_MS)
            hang_up(l);
    }
    atomic_store(&l->dead, true);
    return NULL;
}

/* -------------------------------------------------------------------------- */

static int failed(const struct nbd_link *l, const char *uri, struct err *err)
{
    int code = l->lib.get_errno();
    const char *why = l->lib.get_error();

    /* What the server refused has no errno of its own. */
    return err_set_gw(err, GW_VOLUME_UNREADABLE, code > 0 ? -code : -EIO, "NBD export '%s': %s",
                      uri, why ? why : "failed");
}

static int prepare(struct nbd_link *l, const char *uri, const char *export, const char *bitmap,
                   struct err *err)
{
    int rc =
        l->lib.set_uri_allow_local_file(l->nbd, true); /* keys of TLS; who names it is trusted */

    if (rc == 0)
        rc = l->lib.set_full_info(l->nbd, true);
    if (rc == 0)
        rc = l->lib.add_meta_context(l->nbd, NBD_LINK_ALLOCATION);
    if (rc == 0 && bitmap) {
        int printed = text_print(l->bitmap, sizeof(l->bitmap), "qemu:dirty-bitmap:%s", bitmap);

        if (printed < 0)
            return err_set(err, printed, "bitmap '%s': %m", bitmap);
        rc = l->lib.add_meta_context(l->nbd, l->bitmap);
    }
    /* Of the URI's place, but another export: its own name is set when it is parsed. */
    if (rc == 0 && export)
        rc = l->lib.set_opt_mode(l->nbd, true);
    return rc < 0 ? failed(l, uri, err) : 0;
}

/* Until it is ready, or (opt mode) ready to be told which export. */
static int wait_connected(struct nbd_link *l, const char *uri, struct err *err)
{
    uint64_t until_ms = clock_mono_ms(&clock_system) + CONNECT_MS;

    while (l->lib.aio_is_connecting(l->nbd) == 1) {
        if (clock_mono_ms(&clock_system) > until_ms)
            return err_set_gw(err, GW_VOLUME_UNREADABLE, -ETIMEDOUT,
                              "NBD export '%s': no answer in %d s", uri, CONNECT_MS / 1000);
        if (l->lib.poll(l->nbd, TICK_MS) < 0)
            return failed(l, uri, err);
    }
    if (l->lib.aio_is_ready(l->nbd) != 1 && l->lib.aio_is_negotiating(l->nbd) != 1)
        return failed(l, uri, err);
    return 0;
}

static int connect_to(struct nbd_link *l, const char *uri, const char *export, struct err *err)
{
    int rc =
        l->lib.aio_connect_uri(l->nbd, uri) < 0 ? failed(l, uri, err) : wait_connected(l, uri, err);

    if (rc < 0 || !export)
        return rc;
    if (l->lib.set_export_name(l->nbd, export) < 0 ||
        l->lib.aio_opt_go(l->nbd, NBD_NULL_COMPLETION) < 0)
        return failed(l, uri, err);
    return wait_connected(l, uri, err);
}

static uint32_t limit_of(struct nbd_link *l, int which, uint32_t dflt)
{
    int64_t n = l->lib.get_block_size(l->nbd, which);

    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : dflt;
}

static int learn(struct nbd_link *l, const char *uri, struct err *err)
{
    int64_t size = l->lib.get_size(l->nbd);

    if (size < 0)
        return failed(l, uri, err);
    l->size_bytes = (uint64_t)size;
    l->grain = limit_of(l, LIBNBD_SIZE_MINIMUM, 1);
    l->request_max = (uint32_t)num_min(limit_of(l, LIBNBD_SIZE_MAXIMUM, REQUEST_MAX), REQUEST_MAX);
    if (l->request_max < l->grain || (l->grain & (l->grain - 1)) != 0)
        return err_set(err, -EBADMSG, "NBD export '%s': blocks of %u bytes", uri, l->grain);
    l->request_max -= l->request_max % l->grain;
    l->readonly = l->lib.is_read_only(l->nbd) != 0;
    l->zero = l->lib.can_zero(l->nbd) == 1;
    l->flush = l->lib.can_flush(l->nbd) == 1;
    l->allocation = l->lib.can_meta_context(l->nbd, NBD_LINK_ALLOCATION) == 1;
    if (l->bitmap[0] && l->lib.can_meta_context(l->nbd, l->bitmap) != 1)
        l->bitmap[0] = '\0';
    l->export = l->lib.get_export_name(l->nbd);
    return 0;
}

static int start(struct nbd_link *l, struct err *err)
{
    int rc = pthread_create(&l->mover, NULL, move, l);

    l->moving = rc == 0;
    return rc > 0 ? err_set(err, -rc, "NBD: start a thread: %m") : 0;
}

int nbd_link_open(const char *uri, const char *export, const char *bitmap, struct nbd_link **ret,
                  struct err *err)
{
    auto_nbd_link struct nbd_link *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return err_set(err, -ENOMEM, "NBD export '%s': %m", uri);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->done, NULL);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = nbd_lib_open(&l->lib, err);
    if (rc < 0)
        return err_add(err, rc, "NBD export '%s'", uri);
    l->nbd = l->lib.create();
    if (l->wake_fd < 0 || !l->nbd)
        return err_set(err, -ENOMEM, "NBD export '%s': %m", uri);
    rc = prepare(l, uri, export, bitmap, err);
    if (rc == 0)
        rc = connect_to(l, uri, export, err);
    if (rc == 0)
        rc = learn(l, uri, err);
    if (rc == 0)
        rc = start(l, err);
    if (rc == 0)
        *ret = TAKE(l);
    return rc;
}

void nbd_link_close(struct nbd_link *l)
{
    if (!l)
        return;
    atomic_store(&l->stop, true);
    if (l->moving) {
        nbd_link_wake(l);
        pthread_join(l->mover, NULL);
    }
    /* The server is told; a dead one is not there to hear it. */
    if (l->nbd && l->lib.aio_is_ready(l->nbd) == 1)
        (void)l->lib.aio_disconnect(l->nbd, 0);
    if (l->nbd)
        l->lib.close(l->nbd);
    if (l->wake_fd >= 0)
        (void)close(l->wake_fd);
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    free(l->export);
    free(l);
}

uint64_t nbd_link_size(const struct nbd_link *l)
{
    return l->size_bytes;
}

bool nbd_link_readonly(const struct nbd_link *l)
{
    return l->readonly;
}

bool nbd_link_has_allocation(const struct nbd_link *l)
{
    return l->allocation;
}

bool nbd_link_has_bitmap(const struct nbd_link *l)
{
    return l->bitmap[0] != '\0';
}

bool nbd_link_alive(struct nbd_link *l)
{
    return !atomic_load(&l->dead);
}

uint32_t nbd_link_grain(const struct nbd_link *l)
{
    return l->grain;
}

const char *nbd_link_export(const struct nbd_link *l)
{
    return l->export ? l->export : "";
}

#else

#include "base/banned.h"

int nbd_link_open(const char *uri, const char *export, const char *bitmap, struct nbd_link **ret,
                  struct err *err)
{
    (void)export;
    (void)bitmap;
    (void)ret;
    return err_set(err, -EOPNOTSUPP, "NBD export '%s': this build is without libnbd", uri);
}

void nbd_link_close(struct nbd_link *l)
{
    (void)l;
}

uint64_t nbd_link_size(const struct nbd_link *l)
{
    (void)l;
    return 0;
}

bool nbd_link_readonly(const struct nbd_link *l)
{
    (void)l;
    return true;
}

bool nbd_link_has_allocation(const struct nbd_link *l)
{
    (void)l;
    return false;
}

bool nbd_link_has_bitmap(const struct nbd_link *l)
{
    (void)l;
    return false;
}

bool nbd_link_alive(struct nbd_link *l)
{
    (void)l;
    return false;
}

uint32_t nbd_link_grain(const struct nbd_link *l)
{
    (void)l;
    return 1;
}

const char *nbd_link_export(const struct nbd_link *l)
{
    (void)l;
    return "";
}

#endif
