/* SPDX-License-Identifier: Apache-2.0 */
/* What every volume must do. Runs over images, over NBD exports where there is a server, and over
 * loop devices where this user may make them. */
#include "tests/file_holder.h"
#include "tests/volume_place.h"

#include "base/gw.h"
#include "transport/volume_queue.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/banned.h"

static void what_was_written_is_read_back(void **state)
{
    static const struct {
        uint64_t offset;
        size_t len;
    } runs[] = {{0, SIZE}, {4096, 8192}, {SIZE - 4096, 4096}, {1, 1}, {511, 4098}, {SIZE - 1, 1}};
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(SIZE, volume_size(w));
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        auto_free uint8_t *data = make_bytes(runs[i].len);
        auto_free uint8_t *back = make_bytes(runs[i].len + 1);

        assert_ok(volume_write(w, runs[i].offset, data, runs[i].len, NULL));
        assert_ok(volume_flush(w, NULL));
        assert_ok(volume_drop_cache(r, NULL));
        /* Also into memory that is not aligned. */
        assert_ok(volume_read(r, runs[i].offset, back + 1, runs[i].len, NULL));
        assert_memory_equal(data, back + 1, runs[i].len);
    }
}

static uint8_t *make_aligned(size_t len)
{
    auto_free uint8_t *bytes = make_bytes(len);
    uint8_t *aligned = aligned_alloc(VOLUME_SECTOR, len);

    assert_non_null(aligned);
    memcpy(aligned, bytes, len);
    return aligned;
}

/* Writes of both sorts reach readers that have the old bytes in their cache, in order. */
static void large_aligned_writes_and_small_ones_are_seen(void **state)
{
    enum { PIECE = SIZE / 4, SMALL = 4098 };
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *back = make_aligned(SIZE);

    for (unsigned round = 0; round < 8; round++) {
        auto_free uint8_t *data = make_aligned(SIZE);
        auto_free uint8_t *small = make_bytes(SMALL);
        uint64_t at = rng_below(&rng_system, SIZE - SMALL);

        assert_ok(volume_write(w, 0, data, SIZE, NULL));
        assert_ok(volume_read(w, 0, back, SIZE, NULL));
        assert_memory_equal(data, back, SIZE);
        assert_ok(volume_write(w, at, small, SMALL, NULL));
        memcpy(data + at, small, SMALL);
        assert_ok(volume_write(w, PIECE, data + PIECE, 3 * PIECE, NULL));
        assert_ok(volume_read(w, 0, back, SIZE, NULL));
        assert_memory_equal(data, back, SIZE);
    }
}

static void pop_and_compare(struct volume_queue *q, const uint8_t *data, const uint64_t *at,
                            uint8_t *const *back, size_t len)
{
    void *item = NULL;
    size_t i;

    assert_ok(volume_queue_pop(q, &item, NULL));
    i = (size_t)((const uint64_t *)item - at);
    assert_memory_equal(back[i], data + at[i], len);
}

/* Sixteen rounds of reads at random places, aligned and not, as many at a time as the queue takes.
 */
static void read_much(struct volume_queue *q, const uint8_t *data)
{
    enum { AT_A_TIME = 4, ROUNDS = 16, LEN = 65536 };
    uint8_t *back[AT_A_TIME];
    uint64_t at[AT_A_TIME];

    for (size_t i = 0; i < AT_A_TIME; i++)
        back[i] = make_bytes(LEN);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t len = round % 2 ? LEN : 511;

        for (size_t i = 0; i < AT_A_TIME; i++) {
            at[i] = rng_below(&rng_system, SIZE - len);
            at[i] -= round % 3 ? at[i] % VOLUME_SECTOR : 0;
            assert_ok(volume_queue_push(q, at[i], back[i], len, &at[i], NULL));
        }
        while (volume_queue_len(q) > 0)
            pop_and_compare(q, data, at, back, len);
    }
    for (size_t i = 0; i < AT_A_TIME; i++)
        free(back[i]);
}

static void many_reads_at_a_time_give_the_bytes(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *v = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *data = make_bytes(SIZE);
    auto_free uint8_t *memory = make_bytes(VOLUME_BLOCK);

    assert_ok(volume_write(v, 0, data, SIZE, NULL));
    assert_ok(volume_flush(v, NULL));
    for (enum volume_queue_way way = VOLUME_QUEUE_HINTS; way <= VOLUME_QUEUE_RING; way++) {
        struct volume_queue *q = NULL;
        int rc = volume_queue_new_by(way, v, 4, &q, NULL);

        if (way == VOLUME_QUEUE_RING && rc < 0) {
            print_message("no io_uring here: %s\n", strerror(-rc));
            continue;
        }
        assert_int_equal(rc, 0);
        read_much(q, data);
        assert_fails(-EINVAL, volume_queue_push(q, SIZE, memory, VOLUME_BLOCK, NULL, NULL));
        /* What nobody waited for is not under way any more once the queue is gone. */
        assert_ok(volume_queue_push(q, 0, memory, VOLUME_BLOCK, NULL, NULL));
        volume_queue_free(q);
        memset(memory, 1, VOLUME_BLOCK);
    }
}

/* The end of the volume goes away while a queue is open on it. */
static void a_read_that_fails_in_a_queue_is_told(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *v = open_for(p, VOLUME_READ);
    auto_free uint8_t *memory = make_bytes(VOLUME_BLOCK);
    void *item = NULL;

    if (p->is_loop)
        return; /* a device keeps its size */
    assert_int_equal(truncate(p->path, VOLUME_BLOCK), 0);
    for (enum volume_queue_way way = VOLUME_QUEUE_HINTS; way <= VOLUME_QUEUE_RING; way++) {
        struct volume_queue *q = NULL;

        if (volume_queue_new_by(way, v, 4, &q, NULL) < 0)
            continue;
        assert_ok(volume_queue_push(q, VOLUME_BLOCK / 2, memory, VOLUME_BLOCK, memory, NULL));
        assert_fails(-ESTALE, volume_queue_pop(q, &item, NULL));
        assert_int_equal(volume_queue_len(q), 0);
        assert_ok(volume_queue_push(q, 0, memory, VOLUME_BLOCK, memory, NULL));
        assert_ok(volume_queue_pop(q, &item, NULL));
        assert_ptr_equal(item, memory);
        volume_queue_free(q);
    }
}

static void zeroed_ranges_read_as_zeroes_and_neighbours_stay(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *data = make_bytes(SIZE);
    auto_free uint8_t *back = make_bytes(SIZE);

    assert_ok(volume_write(w, 0, data, SIZE, NULL));
    assert_ok(volume_zero(w, 65536, 131072, NULL));
    assert_ok(volume_zero(w, 4096 * 100 + 100, 5000, NULL));
    assert_ok(volume_flush(w, NULL));
    assert_ok(volume_read(w, 0, back, SIZE, NULL));
    memset(data + 65536, 0, 131072);
    memset(data + 4096 * 100 + 100, 0, 5000);
    assert_memory_equal(data, back, SIZE);
}

static void ranges_outside_are_refused(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    uint8_t byte = 0;
    uint64_t len;
    bool hole;

    assert_fails(-EINVAL, volume_read(w, SIZE, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_write(w, SIZE, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_zero(w, SIZE - 1, 2, NULL));
    assert_fails(-EINVAL, volume_read(w, UINT64_MAX, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_extent(w, SIZE, &len, &hole, NULL));
    assert_ok(volume_read(w, SIZE, &byte, 0, NULL));
}

static void a_reader_cannot_write(void **state)
{
    auto_volume struct volume *r = open_for(*state, VOLUME_READ);

    assert_fails(-EBADF, volume_write(r, 0, "x", 1, NULL));
    assert_fails(-EBADF, volume_zero(r, 0, 1, NULL));
}

static void only_one_may_write(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    struct volume *second = NULL;
    struct err err = {0};
    pid_t pid;

    assert_fails(-EBUSY, volume_open(p->path, VOLUME_WRITE, &second, &err));
    assert_int_equal(GW_VOLUME_BUSY, err.gw);
    assert_true(err.retryable);
    volume_close(open_for(p, VOLUME_READ));
    volume_close(TAKE(w));
    pid = start_child(act_write, p->path); /* a virtual machine claims nothing */
    assert_fails(-EBUSY, volume_open(p->path, VOLUME_WRITE, &second, &err));
    assert_non_null(strstr(err.text, "(pid "));
    end_child(pid);
}

static void extents_cover_the_volume(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *data = make_bytes(65536);
    auto_free uint8_t *zeroes = calloc(1, SIZE);
    auto_free uint8_t *back = make_bytes(SIZE);
    uint64_t at = 0;

    assert_ok(volume_zero(w, 0, SIZE, NULL));
    assert_ok(volume_write(w, 5 * 65536, data, 65536, NULL));
    assert_ok(volume_flush(w, NULL));
    while (at < SIZE) {
        uint64_t len = 0;
        bool hole = false;

        assert_ok(volume_extent(w, at, &len, &hole, NULL));
        assert_true(len > 0 && len <= SIZE - at);
        if (hole) {
            assert_ok(volume_read(w, at, back, len, NULL));
            assert_memory_equal(zeroes, back, len);
        }
        at += len;
    }
}

static void identity_is_of_the_thing_not_of_the_handle(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *a = open_for(p, VOLUME_READ);
    auto_volume struct volume *b = open_for(p, VOLUME_READ);

    assert_string_equal(volume_identity(a), volume_identity(b));
    assert_true(text_starts(volume_identity(a), volume_kind(a)));
    assert_string_equal(p->path, volume_path(a));
    assert_ok(volume_check(a, NULL));
}

/* The file system gives the number of a file that is gone to the next one. */
static void a_new_image_in_its_place_is_another(void **state)
{
    struct place *p = *state;
    struct volume *v = open_for(p, VOLUME_READ);
    auto_free char *before = strdup(volume_identity(v));

    if (!volume_is_unmistakable(v)) {
        volume_close(v);
        skip();
    }
    volume_close(v);
    for (int i = 0; i < 4; i++) {
        auto_volume struct volume *now = NULL;

        assert_int_equal(0, unlink(p->image));
        assert_ok(volume_prepare(p->image, SIZE, NULL));
        now = open_for(p, VOLUME_READ);
        assert_string_not_equal(before, volume_identity(now));
    }
}

static void a_shrinking_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);
    uint8_t data[4096];
    struct err err = {0};

    assert_int_equal(0, truncate(p->path, SIZE / 2));
    assert_fails(-ESTALE, volume_read(r, SIZE - 4096, data, sizeof(data), &err));
    assert_int_equal(GW_VOLUME_CHANGED, err.gw);
    err_clear(&err);
    assert_fails(-ESTALE, volume_check(r, &err));
    assert_int_equal(GW_VOLUME_CHANGED, err.gw);
}

static void a_growing_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(0, truncate(p->path, SIZE + 1));
    assert_fails(-ESTALE, volume_check(r, NULL));
}

static void a_vanished_or_replaced_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(0, unlink(p->path));
    assert_fails(-ESTALE, volume_check(r, NULL));
    assert_ok(volume_prepare(p->path, SIZE, NULL));
    assert_fails(-ESTALE, volume_check(r, NULL));
}

static void what_cannot_be_a_volume_is_refused_without_hanging(void **state)
{
    struct place *p = *state;
    char fifo[PATH_MAX];
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    const char *bad[] = {fifo, p->dir, sun.sun_path, "/dev/null"};
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct volume *v = NULL;

    unit_path(p->dir, "fifo", fifo);
    assert_int_equal(0, mkfifo(fifo, 0600));
    assert_ok(text_print(sun.sun_path, sizeof(sun.sun_path), "%s/socket", p->dir));
    assert_int_equal(0, bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_fails(-EINVAL, volume_open(bad[i], VOLUME_READ, &v, NULL));
        assert_fails(-EINVAL, volume_open(bad[i], VOLUME_WRITE, &v, NULL));
        assert_fails(-EINVAL, volume_prepare(bad[i], SIZE, NULL));
        assert_fails(-EINVAL, volume_set_readonly(bad[i], true, NULL));
    }
    assert_fails(-ENOENT, volume_open("/nowhere/at/all", VOLUME_READ, &v, NULL));
    assert_null(v);
}

static void prepare_makes_and_resizes_images(void **state)
{
    static const uint64_t sizes[] = {0, 1, 512, 4097, 3 << 20, 5};
    struct place *p = *state;
    char path[PATH_MAX];

    unit_path(p->dir, "new", path);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        auto_volume struct volume *v = NULL;

        assert_ok(volume_prepare(path, sizes[i], NULL));
        assert_ok(volume_open(path, VOLUME_READ, &v, NULL));
        assert_int_equal(sizes[i], volume_size(v));
    }
    assert_fails(-ENOENT, volume_prepare("/nowhere/at/all", 1, NULL));
    assert_fails(-EFBIG, volume_prepare(path, UINT64_MAX, NULL));
}

static void readonly_takes_the_write_bits_and_gives_them_back(void **state)
{
    struct place *p = *state;
    struct stat st;

    assert_ok(volume_set_readonly(p->path, true, NULL));
    assert_int_equal(0, stat(p->path, &st));
    assert_int_equal(0, st.st_mode & 0222);
    assert_ok(volume_set_readonly(p->path, false, NULL));
    assert_int_equal(0, stat(p->path, &st));
    assert_int_equal(0200, st.st_mode & 0200);
}

static unsigned writers_of(const char *path, char *out_name, size_t size)
{
    struct err err = {0};
    unsigned n = 77;

    if (volume_writers(path, out_name, size, &n, &err) < 0)
        fail_msg("%s", err.text);
    return n;
}

static void writers_are_counted_and_named(void **state)
{
    struct place *p = *state;
    struct volume *own = open_for(p, VOLUME_WRITE);
    char name[64] = "before";
    char want[64];
    pid_t reader;
    pid_t writer;
    pid_t mapper;

    assert_int_equal(0, writers_of(p->path, name, sizeof(name)));
    assert_string_equal("", name);
    volume_close(own); /* a child would inherit it */
    reader = start_child(act_read, p->image);
    assert_int_equal(0, writers_of(p->path, name, sizeof(name)));
    writer = start_child(act_write, p->image);
    assert_int_equal(1, writers_of(p->path, name, sizeof(name)));
    assert_ok(text_print(want, sizeof(want), "(pid %d)", (int)writer));
    assert_non_null(strstr(name, want));
    mapper = start_child(act_map, p->image);
    assert_int_equal(2, writers_of(p->path, name, sizeof(name)));
    end_child(writer);
    end_child(reader);
    assert_int_equal(1, writers_of(p->path, name, sizeof(name)));
    end_child(mapper);
    assert_int_equal(0, writers_of(p->path, name, 4));
    assert_fails(-ENOENT, volume_writers("/nowhere/at/all", name, 4, &(unsigned){0}, NULL));
}

static void devices_that_are_too_small_are_refused(void **state)
{
    struct place *p = *state;
    struct err err = {0};

    assert_ok(volume_prepare(p->path, SIZE, NULL));
    assert_ok(volume_prepare(p->path, SIZE - 1, NULL));
    assert_fails(-ENOSPC, volume_prepare(p->path, SIZE + 1, &err));
    assert_int_equal(GW_VOLUME_TOO_SMALL, err.gw);
}

static void a_readonly_device_refuses_writes(void **state)
{
    struct place *p = *state;
    uint8_t data[VOLUME_SECTOR] = {1};
    struct volume *w = NULL;

    assert_ok(volume_set_readonly(p->path, true, NULL));
    /* Some kernels refuse the open, all of them the write. */
    if (volume_open(p->path, VOLUME_WRITE, &w, NULL) == 0)
        assert_true(volume_write(w, 0, data, sizeof(data), NULL) < 0);
    volume_close(w);
    assert_ok(volume_set_readonly(p->path, false, NULL));
    w = open_for(p, VOLUME_WRITE);
    assert_ok(volume_write(w, 0, data, sizeof(data), NULL));
    volume_close(w);
}

/* What a file system on the device holds open, or that it is mounted at all. */
static void a_mounted_file_system_is_a_writer(void **state)
{
    struct place *p = *state;
    const char *mkfs[] = {"mke2fs", "-q", "-F", p->path, NULL};
    char out[64];
    char at[PATH_MAX];
    char name[PATH_MAX];
    char file[PATH_MAX];
    unsigned n_device;
    unsigned n_image;
    unsigned n_with_file;
    struct volume *w = NULL;
    int busy;
    pid_t pid;

    unit_path(p->dir, "mnt", at);
    assert_int_equal(0, mkdir(at, 0700));
    if (!run(mkfs, out, sizeof(out)) || mount(p->path, at, "ext4", 0, NULL) < 0)
        skip();
    unit_path(at, "file", file);
    close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    n_device = writers_of(p->path, name, sizeof(name));
    n_image = writers_of(p->image, out, sizeof(out));
    pid = start_child(act_write, file);
    busy = volume_open(p->path, VOLUME_WRITE, &w, NULL);
    n_with_file = writers_of(p->path, out, sizeof(out));
    end_child(pid);
    assert_int_equal(0, umount2(at, MNT_DETACH));
    assert_int_equal(1, n_device);
    assert_int_equal(1, n_image);
    assert_int_equal(2, n_with_file);
    assert_non_null(strstr(name, at));
    assert_int_equal(-EBUSY, busy);
}

/* The medium behind the same path is another one: other sequence number. */
static void a_device_with_another_medium_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);
    const char *detach[] = {"losetup", "--detach", p->path, NULL};
    char out[64];

    assert_ok(volume_check(r, NULL));
    assert_true(resize_loop(p, SIZE / 2));
    assert_fails(-ESTALE, volume_check(r, NULL));
    volume_close(TAKE(r));
    assert_true(run(detach, out, sizeof(out)));
    p->is_loop = false;
}

/* Nothing, under a name that had something: not a volume that became empty. */
static void a_device_without_a_medium_is_refused(void **state)
{
    struct place *p = *state;
    struct volume *v = NULL;
    struct err err = {0};

    assert_true(resize_loop(p, 0));
    assert_fails(-ENOMEDIUM, volume_open(p->path, VOLUME_READ, &v, &err));
    assert_int_equal(GW_VOLUME_UNREADABLE, err.gw);
}

#define CASE(name, kind) cmocka_unit_test_setup_teardown(name, setup##kind, teardown)

/* An export has no claim, and the size that its server gives it. */
#define OVER_ALL(kind)                                                                             \
    CASE(what_was_written_is_read_back, kind),                                                     \
        CASE(large_aligned_writes_and_small_ones_are_seen, kind),                                  \
        CASE(many_reads_at_a_time_give_the_bytes, kind),                                           \
        CASE(zeroed_ranges_read_as_zeroes_and_neighbours_stay, kind),                              \
        CASE(ranges_outside_are_refused, kind), CASE(a_reader_cannot_write, kind),                 \
        CASE(extents_cover_the_volume, kind),                                                      \
        CASE(identity_is_of_the_thing_not_of_the_handle, kind)

#define OVER(kind)                                                                                 \
    OVER_ALL(kind), CASE(only_one_may_write, kind), CASE(a_read_that_fails_in_a_queue_is_told, kind)

/* The server ends in the middle: soon an error with a name, and no call waits for ever. */
static void a_server_that_ends_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);
    auto_free uint8_t *data = make_bytes(VOLUME_BLOCK);
    struct err err = {0};

    assert_ok(volume_read(r, 0, data, VOLUME_BLOCK, NULL));
    nbd_server_end(p->server);
    p->server = 0;
    assert_fails(-ESTALE, volume_read(r, 0, data, VOLUME_BLOCK, &err));
    assert_int_equal(GW_VOLUME_CHANGED, err.gw);
    assert_fails(-ESTALE, volume_check(r, NULL));
    assert_fails(-ECONNREFUSED, volume_open(p->path, VOLUME_READ, &r, NULL));
    assert_fails(-EOPNOTSUPP, volume_set_readonly(p->path, true, NULL));
}

static bool has_exports(void)
{
    void *state = NULL;
    auto_volume struct volume *v = NULL;
    bool yes = setup_nbd(&state) == 0 &&
               volume_open(((struct place *)state)->path, VOLUME_READ, &v, NULL) == 0;

    teardown(&state);
    return yes;
}

/* May this user make loop devices here? */
static bool has_loops(void)
{
    void *state = NULL;
    bool yes = geteuid() == 0 && setup_loop(&state) == 0;

    if (state)
        teardown(&state);
    return yes;
}

int main(void)
{
    const struct CMUnitTest images[] = {
        OVER(),
        CASE(a_new_image_in_its_place_is_another, ),
        CASE(a_shrinking_image_is_estale, ),
        CASE(a_growing_image_is_estale, ),
        CASE(a_vanished_or_replaced_image_is_estale, ),
        CASE(what_cannot_be_a_volume_is_refused_without_hanging, ),
        CASE(prepare_makes_and_resizes_images, ),
        CASE(readonly_takes_the_write_bits_and_gives_them_back, ),
        CASE(writers_are_counted_and_named, ),
    };
    const struct CMUnitTest devices[] = {
        OVER(_loop),
        CASE(devices_that_are_too_small_are_refused, _loop),
        CASE(a_readonly_device_refuses_writes, _loop),
        CASE(a_mounted_file_system_is_a_writer, _loop),
        CASE(a_device_with_another_medium_is_estale, _loop),
        CASE(a_device_without_a_medium_is_refused, _loop),
    };
    const struct CMUnitTest exports[] = {
        OVER_ALL(_nbd),
        CASE(devices_that_are_too_small_are_refused, _nbd),
        CASE(a_server_that_ends_is_estale, _nbd),
    };
    int rc = cmocka_run_group_tests_name("images", images, NULL, NULL);

    if (has_exports())
        rc += cmocka_run_group_tests_name("exports", exports, NULL, NULL);
    else
        print_message("no nbdkit, or no libnbd in this build: NBD exports were not tested\n");

    if (!has_loops()) {
        print_message("loop devices cannot be made here: block devices were not tested\n");
        return rc;
    }
    return rc + cmocka_run_group_tests_name("devices", devices, NULL, NULL);
}
