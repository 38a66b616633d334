/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration from ini files and the environment (inih). Every key `[store] region` is
 * GODWIT_STORE_REGION in the environment too. Order: environment > later file > earlier file.
 */
#ifndef GODWIT_BASE_CONF_H
#define GODWIT_BASE_CONF_H

#include <stddef.h>

struct err;
struct conf;

int conf_new(struct conf **ret, struct err *err);
void conf_free(struct conf *c);
/* -ENOENT when there is none; -EINVAL names file and line. A file adds to and overrides what is
 * there. */
int conf_load(struct conf *c, const char *path, struct err *err);
/* Every *.conf of a directory, in order of name; no directory is fine. */
int conf_load_dir(struct conf *c, const char *dir, struct err *err);

/* Value or dflt, lent until the next change of c or of the environment. The environment wins. */
const char *conf_get(const struct conf *c, const char *section, const char *key, const char *dflt);
/* "file:line", "environment" or "default". */
const char *conf_origin(const struct conf *c, const char *section, const char *key);
/* Set or replace in memory (NULL value removes); -EINVAL for what a line of a file cannot hold.
 * conf_save then makes one file hold every key that is in memory, durably, mode 0600; comments and
 * lines that did not change stay as they are. A section without a key goes whole. */
int conf_set(struct conf *c, const char *section, const char *key, const char *value,
             struct err *err);
int conf_save(const struct conf *c, const char *path, struct err *err);
/* Walk every key in order of file. A non-zero return ends the walk and is returned. */
typedef int (*conf_each_fn)(void *arg, const char *section, const char *key, const char *value,
                            const char *origin);
int conf_each(const struct conf *c, conf_each_fn fn, void *arg);

#endif
