/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf, where there is one. */
#include "transport/track_bpf.h"

#include "base/err.h"

#include <errno.h>

#ifdef HAVE_EBPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/track_aim.h"
#include "transport/track_ebpf.skel.h"

#include <limits.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

struct track_bpf {
    char *dir;
    uint8_t *fine;
    uint8_t *coarse;
    size_t fine_len;
    size_t coarse_len;
    int counts_fd;
    unsigned processors;
    uint64_t *per_processor; /* scratch of count */
};

/* In the order in which they are made; `mark` of the last means that all are there. */
static const char *const pins[] = {"fine",     "coarse",   "about", "counts", "program0",
                                   "program1", "program2", "link0", "link1",  "link2"};

static void skel_free(struct track_skel **s)
{
    track_skel__destroy(*s);
}
#define auto_skel AUTO(skel_free)

static int pin_path(const char *dir, const char *name, char *out)
{
    return text_print(out, PATH_MAX, "%s/%s", dir, name);
}

static int numbered_path(const char *dir, const char *name, unsigned i, char *out)
{
    return text_print(out, PATH_MAX, "%s/%s%u", dir, name, i);
}

void track_bpf_unpin(const char *dir)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(pins); i++)
        if (pin_path(dir, pins[i], path) == 0)
            (void)unlink(path);
    (void)rmdir(dir);
}

static int open_pin(const char *dir, const char *name, int *ret_fd, struct err *err)
{
    char path[PATH_MAX];
    int rc = pin_path(dir, name, path);
    int fd;

    if (rc < 0)
        return err_set(err, rc, "'%s/%s': %m", dir, name);
    fd = bpf_obj_get(path);
    if (fd < 0)
        return err_set(err, errno == ENOENT ? -ENOENT : -errno, "pin '%s': %m", path);
    *ret_fd = fd;
    return 0;
}

static int map_bytes(int fd, uint64_t bytes, uint8_t **ret, size_t *ret_len, struct err *err)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);
    size_t want = (size_t)num_div_up(bytes, TRACK_ABI_PAGE) * TRACK_ABI_PAGE;
    void *p;

    if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
        return err_set(err, -errno, "look at a map of changes: %m");
    if ((uint64_t)info.max_entries * info.value_size != want)
        return err_set(err, -ESTALE, "the map of changes has another size");
    p = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_set(err, -errno, "map of changes: %m");
    *ret = p;
    *ret_len = want;
    return 0;
}

static int new_handle(const char *dir, struct track_bpf **ret, struct err *err)
{
    auto_track_bpf struct track_bpf *b = calloc(1, sizeof(*b));
    int n = libbpf_num_possible_cpus();

    if (n <= 0)
        return err_set(err, n < 0 ? n : -EINVAL, "number of processors: %m");
    if (!b)
        return err_set(err, -ENOMEM, "change tracker: %m");
    b->counts_fd = -1;
    b->processors = (unsigned)n;
    b->dir = strdup(dir);
    b->per_processor = calloc((size_t)n, sizeof(*b->per_processor));
    if (!b->dir || !b->per_processor)
        return err_set(err, -ENOMEM, "change tracker: %m");
    *ret = TAKE(b);
    return 0;
}

void track_bpf_close(struct track_bpf *b)
{
    if (!b)
        return;
    if (b->fine)
        (void)munmap(b->fine, b->fine_len);
    if (b->coarse)
        (void)munmap(b->coarse, b->coarse_len);
    if (b->counts_fd >= 0)
        (void)close(b->counts_fd);
    free(b->per_processor);
    free(b->dir);
    free(b);
}

static int open_maps(const char *dir, const struct track_aim *aim, struct track_bpf *b,
                     struct err *err)
{
    auto_close int fine = -1;
    auto_close int coarse = -1;
    int rc = open_pin(dir, "fine", &fine, err);

    if (rc == 0)
        rc = open_pin(dir, "coarse", &coarse, err);
    if (rc == 0)
        rc = open_pin(dir, "counts", &b->counts_fd, err);
    if (rc == 0)
        rc = map_bytes(fine, aim->granules, &b->fine, &b->fine_len, err);
    if (rc == 0)
        rc = map_bytes(coarse, aim->coarse, &b->coarse, &b->coarse_len, err);
    return rc;
}

int track_bpf_open(const char *dir, const struct track_aim *aim, struct track_bpf **ret,
                   struct err *err)
{
    auto_track_bpf struct track_bpf *b = NULL;
    int rc;

    if (access(dir, F_OK) < 0)
        return err_set(err, -errno, "pins '%s': %m", dir);
    rc = new_handle(dir, &b, err);
    if (rc == 0)
        rc = open_maps(dir, aim, b, err);
    if (rc == 0)
        rc = track_bpf_check(b, err);
    if (rc == -ENOENT)
        return err_set(err, -ESTALE, "some of the pins of '%s' were removed", dir);
    if (rc == 0)
        *ret = TAKE(b);
    return rc;
}

int track_bpf_about(const char *dir, void *out, struct err *err)
{
    auto_close int fd = -1;
    uint32_t key = 0;
    int rc = open_pin(dir, "about", &fd, err);

    if (rc < 0)
        return rc;
    if (bpf_map_lookup_elem(fd, &key, out) < 0)
        return err_set(err, -errno, "read '%s/about': %m", dir);
    return 0;
}

uint8_t *track_bpf_fine(struct track_bpf *b)
{
    return b->fine;
}

uint8_t *track_bpf_coarse(struct track_bpf *b)
{
    return b->coarse;
}

int track_bpf_count(struct track_bpf *b, unsigned which, uint64_t *ret, struct err *err)
{
    uint64_t sum = 0;

    if (bpf_map_lookup_elem(b->counts_fd, &which, b->per_processor) < 0)
        return err_set(err, -errno, "read the counters of '%s': %m", b->dir);
    for (unsigned i = 0; i < b->processors; i++)
        sum += b->per_processor[i];
    *ret = sum;
    return 0;
}

int track_bpf_set_count(struct track_bpf *b, unsigned which, uint64_t value, struct err *err)
{
    memset(b->per_processor, 0, b->processors * sizeof(*b->per_processor));
    b->per_processor[0] = value;
    if (bpf_map_update_elem(b->counts_fd, &which, b->per_processor, BPF_ANY) < 0)
        return err_set(err, -errno, "write the counters of '%s': %m", b->dir);
    return 0;
}

int track_bpf_skipped(struct track_bpf *b, unsigned i, uint64_t *ret_skipped, struct err *err)
{
    auto_close int link = -1;
    auto_close int program = -1;
    struct bpf_link_info link_info = {0};
    struct bpf_prog_info info = {0};
    uint32_t link_len = sizeof(link_info);
    uint32_t len = sizeof(info);
    char path[PATH_MAX];
    char name[16];
    int rc = text_print(name, sizeof(name), "link%u", i);

    if (rc == 0)
        rc = open_pin(b->dir, name, &link, err);
    if (rc == 0)
        rc = numbered_path(b->dir, "program", i, path);
    if (rc < 0)
        return rc;
    program = bpf_obj_get(path);
    if (program < 0)
        return err_set(err, -errno, "pin '%s': %m", path);
    if (bpf_obj_get_info_by_fd(link, &link_info, &link_len) < 0 ||
        bpf_obj_get_info_by_fd(program, &info, &len) < 0)
        return err_set(err, -errno, "look at '%s': %m", path);
    if (link_info.prog_id != info.id)
        return err_set(err, -ESTALE, "'%s/%s' is the link of another program", b->dir, name);
    *ret_skipped = info.recursion_misses;
    return 0;
}

int track_bpf_check(struct track_bpf *b, struct err *err)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < TRACK_ABI_COPIES; i++) {
        uint64_t skipped = 0;
        int rc = track_bpf_skipped(b, i, &skipped, err);

        if (rc < 0)
            return err_add(err, rc, "tracking has ended");
        least = num_min(least, skipped);
    }
    if (least > 0)
        return err_set(err, -EOVERFLOW,
                       "every copy of the program was skipped by the kernel, %llu times",
                       (unsigned long long)least);
    return 0;
}

static int load(struct track_skel *s, const struct track_aim *aim, struct err *err)
{
    int rc;

    s->rodata->disk_major = (int)aim->major;
    s->rodata->disk_minor = (int)aim->minor;
    s->rodata->whole_disk = aim->whole_disk;
    s->rodata->first_sector = aim->first_sector;
    s->rodata->sectors = aim->sectors;
    s->rodata->granule_shift = aim->shift - 9;
    rc =
        bpf_map__set_max_entries(s->maps.fine, (uint32_t)num_div_up(aim->granules, TRACK_ABI_PAGE));
    if (rc == 0)
        rc = bpf_map__set_max_entries(s->maps.coarse,
                                      (uint32_t)num_div_up(aim->coarse, TRACK_ABI_PAGE));
    if (rc == 0)
        rc = track_skel__load(s);
    if (rc < 0)
        return err_set(err, rc == -ENOMEM ? rc : -EOPNOTSUPP,
                       "the kernel does not take the tracking program: %s", strerror(-rc));
    return 0;
}

static int mark_all(int fd, uint64_t granules, struct err *err)
{
    uint8_t *fine = NULL;
    size_t len = 0;
    int rc = map_bytes(fd, granules, &fine, &len, err);

    if (rc < 0)
        return rc;
    memset(fine, TRACK_DIRTY, (size_t)granules);
    (void)munmap(fine, len);
    return 0;
}

static int pin_maps(struct track_skel *s, const char *dir, struct err *err)
{
    struct bpf_map *const maps[] = {s->maps.fine, s->maps.coarse, s->maps.about, s->maps.counts};
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        int rc = pin_path(dir, pins[i], path);

        if (rc == 0)
            rc = bpf_map__pin(maps[i], path);
        if (rc < 0)
            return err_set(err, rc, "pin '%s/%s': %s", dir, pins[i], strerror(-rc));
    }
    return 0;
}

static int pin_copies(struct track_skel *s, const char *dir, struct err *err)
{
    struct bpf_program *const programs[] = {s->progs.complete0, s->progs.complete1,
                                            s->progs.complete2};
    struct bpf_link *const links[] = {s->links.complete0, s->links.complete1, s->links.complete2};
    char path[PATH_MAX];
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < TRACK_ABI_COPIES; i++) {
        rc = numbered_path(dir, "program", i, path);
        if (rc == 0)
            rc = bpf_program__pin(programs[i], path);
        if (rc == 0)
            rc = numbered_path(dir, "link", i, path);
        if (rc == 0)
            rc = bpf_link__pin(links[i], path);
    }
    return rc < 0 ? err_set(err, rc, "pin '%s': %s", path, strerror(-rc)) : 0;
}

static int set_about(struct track_skel *s, struct slice about, struct err *err)
{
    uint8_t bytes[TRACK_ABI_ABOUT] = {0};
    uint32_t key = 0;

    memcpy(bytes, about.data, num_min(about.len, sizeof(bytes)));
    if (bpf_map_update_elem(bpf_map__fd(s->maps.about), &key, bytes, BPF_ANY) < 0)
        return err_set(err, -errno, "change tracker: %m");
    return 0;
}

/* All dirty before the first event, attached before anybody reads the volume. */
static int start(struct track_skel *s, const struct track_aim *aim, const char *dir,
                 struct slice about, struct err *err)
{
    int rc = load(s, aim, err);

    if (rc == 0)
        rc = mark_all(bpf_map__fd(s->maps.fine), aim->granules, err);
    if (rc == 0)
        rc = set_about(s, about, err);
    if (rc < 0)
        return rc;
    rc = track_skel__attach(s);
    if (rc < 0)
        return err_set(err, -EOPNOTSUPP, "the kernel has no event for the tracking program: %s",
                       strerror(-rc));
    if (mkdir(dir, 0700) < 0)
        return err_set(err, -errno, "make '%s': %m", dir);
    rc = pin_maps(s, dir, err);
    if (rc == 0)
        rc = pin_copies(s, dir, err);
    return rc;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
    return 0;
}

int track_bpf_new(const struct track_aim *aim, const char *dir, struct slice about,
                  struct track_bpf **ret, struct err *err)
{
    auto_skel struct track_skel *s = NULL;
    int rc;

    (void)libbpf_set_print(say_nothing); /* what matters of it is in err */
    s = track_skel__open();
    if (!s)
        return err_set(err, -EOPNOTSUPP, "tracking program: %m");
    rc = start(s, aim, dir, about, err);
    if (rc == 0)
        rc = track_bpf_open(dir, aim, ret, err);
    if (rc < 0)
        track_bpf_unpin(dir);
    return rc;
}

#else

#include "base/banned.h"

static int absent(struct err *err)
{
    return err_set(err, -EOPNOTSUPP, "this build has no change tracking in the kernel");
}

int track_bpf_new(const struct track_aim *aim, const char *dir, struct slice about,
                  struct track_bpf **ret, struct err *err)
{
    (void)aim;
    (void)dir;
    (void)about;
    (void)ret;
    return absent(err);
}

int track_bpf_open(const char *dir, const struct track_aim *aim, struct track_bpf **ret,
                   struct err *err)
{
    (void)dir;
    (void)aim;
    (void)ret;
    return absent(err);
}

void track_bpf_close(struct track_bpf *b)
{
    (void)b;
}

void track_bpf_unpin(const char *dir)
{
    (void)dir;
}

int track_bpf_about(const char *dir, void *out, struct err *err)
{
    (void)dir;
    (void)out;
    return absent(err);
}

uint8_t *track_bpf_fine(struct track_bpf *b)
{
    (void)b;
    return NULL;
}

uint8_t *track_bpf_coarse(struct track_bpf *b)
{
    (void)b;
    return NULL;
}

int track_bpf_check(struct track_bpf *b, struct err *err)
{
    (void)b;
    return absent(err);
}

int track_bpf_count(struct track_bpf *b, unsigned which, uint64_t *ret, struct err *err)
{
    (void)b;
    (void)which;
    (void)ret;
    return absent(err);
}

int track_bpf_set_count(struct track_bpf *b, unsigned which, uint64_t value, struct err *err)
{
    (void)b;
    (void)which;
    (void)value;
    return absent(err);
}

int track_bpf_skipped(struct track_bpf *b, unsigned copy, uint64_t *ret, struct err *err)
{
    (void)b;
    (void)copy;
    (void)ret;
    return absent(err);
}

#endif
