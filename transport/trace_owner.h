/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tracing buffers are ours, and whose: nothing in the kernel says so, thus a link of the
 * buffer's name in /run, which ends with the machine as the buffer does, points at the file in the
 * state directory that names the buffer.
 */
#ifndef GODWIT_TRANSPORT_TRACE_OWNER_H
#define GODWIT_TRANSPORT_TRACE_OWNER_H

struct err;

enum { TRACE_OWNER_NAME = 48 };

/* A name that nobody has, for a buffer that `file`, an absolute path, is going to name: within ten
 * minutes, or it is nobody's. Removes what state directories that are gone have left. */
int trace_owner_new(const char *file, char out_name[static TRACE_OWNER_NAME], struct err *err);
/* Buffer and link. */
void trace_owner_drop(const char *name);
/* Remove what state directories that are gone have left. */
void trace_owner_sweep(void);
/* The same, and what `file` named. */
void trace_owner_end(const char *file);

#endif
