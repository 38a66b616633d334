/* SPDX-License-Identifier: Apache-2.0 */
/* Helper programs of a test that say their port, and what they wrote down. */
#ifndef GODWIT_TESTS_S3_STORY_H
#define GODWIT_TESTS_S3_STORY_H

#include "tests/unit.h"

#include <sys/types.h>

struct s3_story_helper {
    pid_t pid; /* 0: not running */
    unsigned port;
};

/* argv[0] is found beside ourselves. It ends with us at the latest. */
void s3_story_start(struct s3_story_helper *h, const char *const *argv);
void s3_story_stop(struct s3_story_helper *h);

/* One line of a log that has the word, from byte *at on, which moves behind it. */
bool s3_story_line(const char *path, const char *word, size_t *at, char *out, size_t size);
bool s3_story_says(const char *path, const char *word);
size_t s3_story_size(const char *path);

/* Credentials that clients and helpers agree on; nothing else of the environment counts. */
void s3_story_environment(void);

#endif
