/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libarchive that we call, loaded when the first zip is read: the library brings
 * XML and Unicode with it. For zip.c only. */
#ifndef GODWIT_BASE_ZIP_LIB_H
#define GODWIT_BASE_ZIP_LIB_H

#ifdef HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>

/* X(read_new) is archive_read_new. */
#define ZIP_LIB_FUNCTIONS(X)                                                                       \
    X(entry_filetype)                                                                              \
    X(entry_pathname)                                                                              \
    X(error_string)                                                                                \
    X(read_data)                                                                                   \
    X(read_free)                                                                                   \
    X(read_new)                                                                                    \
    X(read_next_header)                                                                            \
    X(read_open_memory)                                                                            \
    X(read_support_format_zip)

struct zip_lib {
#define ZIP_LIB_MEMBER(name) __typeof__(archive_##name) *name;
    ZIP_LIB_FUNCTIONS(ZIP_LIB_MEMBER)
#undef ZIP_LIB_MEMBER
};

#endif
#endif
