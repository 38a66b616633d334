/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive with its zip reader alone; what is unpacked is counted before it is kept. */
#include "base/zip.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"

#ifdef HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#include "base/banned.h"

bool zip_is(struct slice bytes)
{
    return bytes.len > 4 && memcmp(bytes.data, "PK\003\004", 4) == 0;
}

#ifdef HAVE_LIBARCHIVE

enum { PORTION = 1 << 16 };

static void free_archive(struct archive **a)
{
    archive_read_free(*a);
}

static int damaged(struct archive *a, struct err *err)
{
    const char *why = archive_error_string(a);

    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "this zip cannot be read: %.200s",
                      why ? why : "it is damaged");
}

/* One file into out, which is above *left bytes when it fails with -EFBIG. */
static int unpack(struct archive *a, size_t *left, struct buf *out, struct err *err)
{
    la_ssize_t n;

    for (;;) {
        uint8_t *at;

        if (buf_reserve(out, PORTION, &at) < 0)
            return buf_failed(out, err);
        n = archive_read_data(a, at, PORTION);
        if (n <= 0)
            break;
        if ((size_t)n > *left)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG,
                              "this zip holds more than can be taken");
        *left -= (size_t)n;
        buf_grow(out, (size_t)n);
    }
    return n < 0 ? damaged(a, err) : 0;
}

static int walk(struct archive *a, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err)
{
    struct archive_entry *entry;
    size_t left = max_bytes, files = 0;
    int r = 0, code;

    while (r == 0 && (code = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
        auto_buf struct buf bytes = {.max = max_bytes + PORTION};
        const char *name = archive_entry_pathname(entry);

        if (++files > ZIP_FILES_MAX)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "this zip holds more than %d files",
                              ZIP_FILES_MAX);
        if (!name || archive_entry_filetype(entry) != AE_IFREG || strlen(name) >= ZIP_NAME_MAX)
            continue;
        r = unpack(a, &left, &bytes, err);
        if (r == 0)
            r = fn(arg, name, buf_slice(&bytes));
    }
    if (r != 0)
        return r;
    return code == ARCHIVE_EOF ? 0 : damaged(a, err);
}

int zip_each(struct slice zip, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err)
{
    __attribute__((cleanup(free_archive))) struct archive *a = archive_read_new();

    if (!a)
        return err_set(err, -ENOMEM, "a zip: %m");
    if (archive_read_support_format_zip(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, zip.data, zip.len) != ARCHIVE_OK)
        return damaged(a, err);
    return walk(a, max_bytes, fn, arg, err);
}

#else

int zip_each(struct slice zip, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err)
{
    (void)zip;
    (void)max_bytes;
    (void)fn;
    (void)arg;
    return err_set(err, -ENOSYS,
                   "this build reads no zip (it lacks libarchive): unpack it first, "
                   "and save sheets as CSV");
}

#endif
