/* SPDX-License-Identifier: Apache-2.0 */
/* Names of pins, and who they belong to. */
#include "transport/track_pin.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "transport/track_aim.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define BPF_FS "/sys/fs/bpf"
#define PINS BPF_FS "/godwit"
#define FILE_NAME "tracker"

enum {
    BPF_FS_TYPE = 0x4a11, /* the lower half of its magic number; no other of them has it */
    LINE_MAX_BYTES = 256,
    HALF_DONE_S = 600 /* nobody takes so long from making a directory to filling it */
};

static bool is_mounted(void)
{
    struct statfs fs;

    return statfs(BPF_FS, &fs) == 0 && ((unsigned long)fs.f_type & 0xffff) == BPF_FS_TYPE;
}

static int make_place(struct err *err)
{
    if (!is_mounted() && mount("bpf", BPF_FS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return err_set(err, -errno, "mount the BPF file system on " BPF_FS ": %m");
    if (mkdir(PINS, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "make " PINS ": %m");
    return 0;
}

int track_pin_init(struct track_pin *p, const char *state_dir, const char *identity,
                   const struct track_aim *aim, struct err *err)
{
    auto_free char *real = realpath(state_dir, NULL);
    int rc;

    if (!real)
        return err_set(err, -errno, "state directory '%s': %m", state_dir);
    *p = (struct track_pin){.about = {.version = TRACK_ABI_VERSION,
                                      .shift = aim->shift,
                                      .first_sector = aim->first_sector,
                                      .sectors = aim->sectors,
                                      .disk_major = aim->major,
                                      .disk_minor = aim->minor}};
    rc = text_print(p->about.file, sizeof(p->about.file), "%s/" FILE_NAME, real);
    if (rc == 0)
        rc = text_copy(p->about.identity, sizeof(p->about.identity), identity);
    if (rc < 0)
        return err_set(err, rc, "'%s': %m", real);
    return make_place(err);
}

int track_pin_boot(char out[static TRACK_PIN_BOOT + 1], struct err *err)
{
    auto_buf struct buf text = {0};
    int rc = fd_load_proc("/proc/sys/kernel/random/boot_id", 64, &text, err);

    if (rc < 0)
        return rc;
    if (!buf_cstr(&text))
        return err_set(err, -ENOMEM, "change tracker: %m");
    return text_print(out, TRACK_PIN_BOOT + 1, "%.36s", buf_cstr(&text));
}

/* "ID BOOT" */
static int load_file(const char *file, char *out_id, char *out_boot, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    uint8_t id[TRACK_PIN_ID];
    int rc = fd_load(file, LINE_MAX_BYTES, &text, err);

    if (rc < 0)
        return rc;
    if (!buf_cstr(&text))
        return err_set(err, -ENOMEM, "change tracker: %m");
    rc = text_split(buf_cstr(&text), " \n", &words, err);
    if (rc < 0)
        return rc;
    if (text_vec_len(words) != 2 || text_unhex(words[0], id, sizeof(id)) < 0)
        return err_set(err, -EBADMSG, "'%s' is damaged", file);
    text_hex(id, sizeof(id), out_id);
    return text_print(out_boot, TRACK_PIN_BOOT + 1, "%.36s", words[1]);
}

/* Into about: which file it is that names the directory. */
static int look_at_file(struct track_pin *p, struct err *err)
{
    struct stat st;

    if (stat(p->about.file, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", p->about.file);
    p->about.file_dev = st.st_dev;
    p->about.file_ino = st.st_ino;
    return 0;
}

static int check_about(const struct track_pin *p, struct err *err)
{
    _Alignas(struct track_pin_about) uint8_t bytes[TRACK_ABI_ABOUT] = {0};
    struct track_pin_about have;
    int rc = track_bpf_about(p->dir, bytes, err);

    if (rc < 0)
        return err_add(err, rc, "the pins are gone");
    memcpy(&have, bytes, sizeof(have));
    if (have.version != p->about.version)
        return err_set(err, -ESTALE, "another version of the program tracks it");
    if (memcmp(have.identity, p->about.identity, sizeof(have.identity)) != 0)
        return err_set(err, -ESTALE, "the device is another one, or of another size");
    if (memcmp(&have, &p->about, sizeof(have)) != 0)
        return err_set(err, -ESTALE, "the state directory, or the partition, is not what it was");
    return 0;
}

int track_pin_find(struct track_pin *p, struct err *err)
{
    char id[2 * TRACK_PIN_ID + 1];
    char then[TRACK_PIN_BOOT + 1];
    char now[TRACK_PIN_BOOT + 1];
    int rc = load_file(p->about.file, id, then, err);

    if (rc == -ENOENT)
        return err_set(err, rc, "it was not tracked before");
    if (rc == 0)
        rc = track_pin_boot(now, err);
    if (rc < 0)
        return rc;
    if (!text_equal(now, then))
        return err_set(err, -ESTALE, "the machine was started anew since");
    rc = text_print(p->dir, sizeof(p->dir), PINS "/%s", id);
    if (rc == 0)
        rc = look_at_file(p, err);
    return rc < 0 ? rc : check_about(p, err);
}

/* Does the file that a directory of pins names still name it? */
static bool is_wanted(const char *dir, const char *id)
{
    _Alignas(struct track_pin_about) uint8_t bytes[TRACK_ABI_ABOUT] = {0};
    struct track_pin_about about;
    char named[2 * TRACK_PIN_ID + 1];
    char boot[TRACK_PIN_BOOT + 1];
    struct stat st;

    if (track_bpf_about(dir, bytes, NULL) < 0)
        return stat(dir, &st) == 0 && time(NULL) - st.st_mtime < HALF_DONE_S;
    memcpy(&about, bytes, sizeof(about));
    about.file[sizeof(about.file) - 1] = '\0';
    return load_file(about.file, named, boot, NULL) == 0 && text_equal(named, id);
}

void track_pin_sweep(void)
{
    DIR *d = opendir(PINS);
    const struct dirent *entry;

    if (!d)
        return;
    while ((entry = readdir(d))) {
        uint8_t id[TRACK_PIN_ID];
        char dir[128];

        if (strlen(entry->d_name) != sizeof(id) * 2 ||
            text_unhex(entry->d_name, id, sizeof(id)) < 0 ||
            text_print(dir, sizeof(dir), PINS "/%s", entry->d_name) < 0)
            continue;
        if (!is_wanted(dir, entry->d_name))
            track_bpf_unpin(dir);
    }
    closedir(d);
}

int track_pin_new(struct track_pin *p, struct err *err)
{
    uint8_t id[TRACK_PIN_ID];
    char hex[2 * TRACK_PIN_ID + 1];
    char boot[TRACK_PIN_BOOT + 1];
    char line[LINE_MAX_BYTES];
    int rc = track_pin_boot(boot, err);

    rng_fill(&rng_system, id, sizeof(id));
    text_hex(id, sizeof(id), hex);
    if (rc == 0)
        rc = text_print(line, sizeof(line), "%s %s\n", hex, boot);
    if (rc == 0)
        rc = fd_save(p->about.file, slice_str(line), 0600, err);
    if (rc == 0)
        rc = look_at_file(p, err);
    if (rc == 0)
        rc = text_print(p->dir, sizeof(p->dir), PINS "/%s", hex);
    track_pin_sweep();
    return rc;
}

bool track_pin_forget(const char *state_dir)
{
    char file[PATH_MAX];

    if (text_print(file, sizeof(file), "%s/" FILE_NAME, state_dir) < 0 || unlink(file) < 0)
        return false;
    track_pin_sweep();
    return true;
}

struct slice track_pin_about(const struct track_pin *p)
{
    return slice_of(&p->about, sizeof(p->about));
}

void track_pin_drop(struct track_pin *p)
{
    if (p->dir[0])
        track_bpf_unpin(p->dir);
    p->dir[0] = '\0';
}
